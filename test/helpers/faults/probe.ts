import {execFileSync} from 'node:child_process';
import {localFs} from '../../../agent/host/local/fs.ts';
import {native} from '../../../agent/host/local/native.ts';
import type {Probe, ProbeResult, Step} from './run.ts';

// A program: does the looks that its argument asks for, in its own process, and prints what they gave.
const {root, withNative, steps} = JSON.parse(process.argv[2] as string) as Probe;
const fs = localFs(root, withNative ? native : null);

async function take(step: Step): Promise<unknown> {
  if ('run' in step) return execFileSync('sh', ['-ec', step.run], {encoding: 'utf8'});
  if ('look' in step) return (fs[step.look] as (...args: unknown[]) => unknown)(...step.args);
  const walked = {seen: 0, last: '', notSeen: [] as string[], leftOut: [] as string[], entries: 0};
  const end = await fs.walk<true>(
    step.walk,
    {
      // What is mounted elsewhere too is left out here.
      enter: (_, above, alsoAt) => (above !== null && alsoAt.length > 0 ? null : true),
      visit: entry => {
        walked.seen++;
        walked.last = entry.name;
      },
      notSeen: (_, reason) => walked.notSeen.push(reason.slice(0, 300)),
      leftOut: (path, fstype) => walked.leftOut.push(`${path} (${fstype})`),
    },
    step.limits,
  );
  return {...walked, ...end};
}

const result: ProbeResult = {results: [], ms: [], rssMb: 0};
for (const step of steps) {
  const started = performance.now();
  result.results.push(await take(step));
  result.ms.push(performance.now() - started);
}
result.rssMb = process.resourceUsage().maxRSS / 1024;
process.stdout.write(JSON.stringify(result));
