import {spawn} from 'node:child_process';
import {once} from 'node:events';
import test from 'ava';
import {Managed} from '../../../bench/site/managed.ts';
import {cpuSeconds, rssMb, tree} from '../../../bench/site/proc.ts';

test('tree() gives a process and its children, and refuses what everything is below of', async t => {
  const child = spawn('sh', ['-c', 'sleep 60 & echo $!; wait'], {stdio: ['ignore', 'pipe', 'ignore']});
  const [line] = await once(child.stdout, 'data');
  const below = Number(String(line));
  t.deepEqual(tree(child.pid as number), [child.pid, below]);
  process.kill(below);
  await once(child, 'exit');
  for (const pid of [0, 1, -1, Number.NaN]) t.throws(() => tree(pid), {instanceOf: RangeError});
});

test('cpuSeconds() and rssMb() read this very process', t => {
  t.true(cpuSeconds(process.pid) > 0);
  const {rss} = process.memoryUsage();
  t.true(Math.abs(rssMb(process.pid) - rss / 1024 ** 2) < 50);
  t.is(rssMb(2 ** 22 + 1), 0, 'a process that is gone');
});

test('Managed has a process id only while it runs, and counts an end that nobody asked for', async t => {
  const sleeper = new Managed({name: 'sleeper', argv: ['sleep', '60'], log: '/dev/null'});
  t.is(sleeper.pid, null);
  sleeper.start();
  t.true(sleeper.runningPid > 1);
  await sleeper.end('SIGKILL');
  t.is(sleeper.pid, null);
  t.throws(() => sleeper.runningPid);
  t.deepEqual(sleeper.unasked, []);

  const quick = new Managed({name: 'quick', argv: ['sh', '-c', 'exit 7'], log: '/dev/null'});
  quick.start();
  while (quick.pid !== null) await new Promise(setImmediate);
  t.deepEqual(quick.unasked, ['quick ended with 7']);
});
