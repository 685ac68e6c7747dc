import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {text} from 'node:stream/consumers';
import {fileURLToPath} from 'node:url';
import test from 'ava';

const main = fileURLToPath(new URL('../bench/faults/main.ts', import.meta.url));
const seconds = 12;

test('nothing is lost, doubled or different after kills, cuts, full disks and clock jumps', async t => {
  t.timeout(300_000);
  const run = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', main, '--seconds', `${seconds}`, '--seed', '20261121'],
    {stdio: ['ignore', 'pipe', 'pipe']},
  );
  t.teardown(() => run.kill());
  const [stdout, stderr, [exitCode]] = await Promise.all([text(run.stdout), text(run.stderr), once(run, 'exit')]);
  t.is(exitCode, 0, `${stdout}${stderr}`);
  const found = (what: string) => Number(new RegExp(`^${what} +\\S+ +(\\d+)`, 'm').exec(stdout)?.[1]);
  for (const what of ['steps lost', 'changes doubled', 'changes out of order, or that never were'])
    t.is(found(what), 0, stdout);
  t.is(found('findings that differ between disk, agent and controller'), 0, stdout);
  t.true(found('files changed') > 10, stdout);
  t.true(found('changes that the controller keeps') > 200, stdout);
  t.regex(stdout, /kill -9 of the/);
});
