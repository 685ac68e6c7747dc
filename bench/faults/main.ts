// Lets everything fail that can fail below a controller, an agent and a link, and counts what got lost: `npm run faults`.
// Exits 0 when nothing was lost, doubled or different, else 1; 2 for a wrong option.
import {spawnSync} from 'node:child_process';
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
    'in-own-namespaces': {type: 'boolean', default: false},
  },
});
const seconds = values.seconds === undefined ? Number(values.minutes ?? 10) * 60 : Number(values.seconds);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
if (!(seconds > 0) || !Number.isInteger(seed)) {
  process.stderr.write('faults: error: --minutes or --seconds and --seed want numbers\n');
  process.exit(2);
}

const mounts = values['in-own-namespaces'];
const own = ['--in-own-namespaces', '--seconds', `${seconds}`, '--seed', `${seed}`, ...(values.keep ? ['--keep'] : [])];
const again = mounts ? null : inOwnNamespaces([process.execPath, ...process.execArgv, import.meta.filename, ...own]);
if (again !== null) {
  const [command, ...args] = again;
  process.exit(spawnSync(command, args, {stdio: 'inherit'}).status ?? 1);
}

const folder = mkdtempSync(join(tmpdir(), 'reeve-faults-'));
const started = performance.now();
process.stderr.write(`faults: ${seconds} s, seed ${seed}, ${folder}\n`);
const run = await runFaults({
  seconds,
  seed,
  folder,
  mounts,
  onFault: name => process.stderr.write(`faults: ${((performance.now() - started) / 1000).toFixed(1)} s: ${name}\n`),
});
print(run);
const {lost, doubled, misplaced, different} = run.reckoning;
const sound = lost + doubled + misplaced + different === 0;
if (values.keep || !sound) {
  // The small disks go with this process.
  if (mounts)
    for (const place of statePlaces) cpSync(join(folder, place), join(folder, `${place}-state`), {recursive: true});
  process.stderr.write(`faults: logs and state stay in ${folder}\n`);
} else rmSync(folder, {recursive: true, force: true});
process.exitCode = sound ? 0 : 1;

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
