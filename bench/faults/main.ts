// Lets everything fail that can fail below a controller, an agent and a link, and counts what got lost: `npm run faults`.
// Exits 0 when nothing was lost, doubled or different, else 1; 2 for a wrong option.
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {cpSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {statePlaces} from '../site/site.ts';
import {printTable} from '../table.ts';
import {inOwnNamespaces} from './own-namespaces.ts';
import {type FaultRun, runFaults} from './run.ts';

const {values} = parseArgs({
  options: {
    minutes: {type: 'string'},
    seconds: {type: 'string'},
    seed: {type: 'string'},
    keep: {type: 'boolean', default: false},
    /** How this program starts itself again in namespaces of its own. */
    'inside-of': {type: 'string'},
  },
});
const seconds = values.seconds === undefined ? Number(values.minutes ?? 10) * 60 : Number(values.seconds);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
if (!(seconds > 0) || !Number.isInteger(seed)) {
  process.stderr.write('faults: error: --minutes or --seconds and --seed want numbers\n');
  process.exit(2);
}

const inside = values['inside-of'];
if (inside !== undefined) process.exitCode = await runIn(inside, true);
else {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-faults-'));
  process.stderr.write(`faults: ${seconds} s, seed ${seed}, ${folder}\n`);
  const own = ['--inside-of', folder, '--seconds', `${seconds}`, '--seed', `${seed}`];
  const again = inOwnNamespaces([process.execPath, ...process.execArgv, import.meta.filename, ...own]);
  process.exitCode = again === null ? await runIn(folder, false) : await start(again);
  if (values.keep || process.exitCode !== 0) process.stderr.write(`faults: logs and state stay in ${folder}\n`);
  else rmSync(folder, {recursive: true, force: true});
}

async function start([command, ...args]: [string, ...string[]]): Promise<number> {
  const child = spawn(command, args, {stdio: 'inherit'});
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill('SIGKILL'));
  const [status] = await once(child, 'exit');
  return status ?? 1;
}

/** Returns the exit status. */
async function runIn(folder: string, mounts: boolean): Promise<number> {
  const startedAt = performance.now();
  const onFault = (name: string) =>
    process.stderr.write(`faults: ${((performance.now() - startedAt) / 1000).toFixed(1)} s: ${name}\n`);
  try {
    const run = await runFaults({seconds, seed, folder, mounts, onFault});
    print(run);
    const {lost, doubled, misplaced, different} = run.reckoning;
    return lost + doubled + misplaced + different === 0 ? 0 : 1;
  } catch (error) {
    process.stderr.write(`faults: error: ${error instanceof Error ? error.stack : error}\n`);
    return 1;
  } finally {
    // The small disks end with the namespace.
    if (mounts)
      for (const place of statePlaces) cpSync(join(folder, place), join(folder, `${place}-state`), {recursive: true});
  }
}

function print({reckoning, faults, ...counted}: FaultRun): void {
  const zero = (name: string, count: number) => [name, '0', String(count), count === 0 ? 'yes' : 'NO'];
  process.stdout.write(
    `${printTable(
      `Faults of ${seconds} s, seed ${seed}`,
      ['fault', 'times'],
      [...[...faults].map(([name, count]) => [name, `${count}`]), ...counted.leftOut.map(name => [name, 'left out'])],
    )}\n${printTable(
      'What came of it',
      ['what', 'wanted', 'found', 'as wanted'],
      [
        ['files changed', '-', `${counted.filesChanged}`, '-'],
        ['steps that the agent numbered', '-', `${reckoning.numbered}`, '-'],
        ['changes that the controller keeps', '-', `${counted.changesKept}`, '-'],
        ['steps that gaps speak of', '-', `${counted.gaps}`, '-'],
        ['processes that ended by themselves', '-', `${counted.unasked.length}`, '-'],
        ['findings left unknown by a killed checker', '-', `${counted.leftUnknown}`, '-'],
        ['quiet after, s', '-', counted.quietAfterSeconds?.toFixed(1) ?? 'never', '-'],
        zero('steps lost', reckoning.lost),
        zero('changes doubled', reckoning.doubled),
        zero('changes out of order, or that never were', reckoning.misplaced),
        zero('findings that differ between disk, agent and controller', reckoning.different),
      ],
    )}`,
  );
  for (const line of [...counted.unasked, ...reckoning.problems.slice(0, 40)])
    process.stderr.write(`faults: ${line}\n`);
}
