import {setTimeout as sleep} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import {type Part, Supervisor} from '../../../agent/up/supervisor.ts';

type Seen = {lines: string[]; died: string[]; restarted: number};

function supervisor(t: ExecutionContext): {supervisor: Supervisor; seen: Seen} {
  const seen: Seen = {lines: [], died: [], restarted: 0};
  const made = new Supervisor(
    {PATH: '/usr/bin:/bin'},
    {
      line: (part, line) => void seen.lines.push(`${part}: ${line}`),
      died: (_part, how, againInMs) => void seen.died.push(`${how}, ${againInMs}`),
      restarted: () => void seen.restarted++,
    },
  );
  t.teardown(() => made.stop());
  return {supervisor: made, seen};
}

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 30_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error('it did not come in 30 s');
    await sleep(10);
  }
}

const shell = (script: string): [string, ...string[]] => ['/bin/sh', '-c', script];
const at = async () => {};
const part: Part = 'link';

test('start() tells with what last words a process ended before it was ready', async t => {
  const {supervisor: made} = supervisor(t);
  await t.throwsAsync(
    made.start(
      part,
      shell(`echo '{"level":"error","message":"the disk is full"}' >&2; exit 3`),
      () => new Promise(() => {}),
    ),
    {code: 'REEVE_UP_FAILED', message: 'cannot start the link: it ended with status 3; it said: the disk is full'},
  );
});

test('start() tells of a program that is not there', async t => {
  const {supervisor: made} = supervisor(t);
  await t.throwsAsync(
    made.start(part, ['/no/such/program'], () => new Promise(() => {})),
    {
      code: 'REEVE_UP_FAILED',
      message: /cannot start the link: it could not be started: spawn \/no\/such\/program ENOENT/,
    },
  );
});

test('Supervisor starts again what dies, later each time', async t => {
  const {supervisor: made, seen} = supervisor(t);
  await made.start(part, shell('read line'), at);
  for (let death = 1; death <= 3; death++) {
    await until(() => made.pid(part) !== undefined);
    process.kill(made.pid(part) as number, 'SIGKILL');
    await until(() => seen.restarted === death);
  }
  t.deepEqual(seen.died, ['was ended by SIGKILL, 500', 'was ended by SIGKILL, 1000', 'was ended by SIGKILL, 2000']);
});

test('stop() ends a process that starts again soon, and starts nothing any more', async t => {
  const {supervisor: made, seen} = supervisor(t);
  await made.start(part, shell('read line'), at);
  process.kill(made.pid(part) as number, 'SIGKILL');
  await until(() => seen.died.length === 1);
  await made.stop();
  await sleep(700);
  t.is(seen.restarted, 0);
  t.is(made.pid(part), undefined);
});

test('stop() kills what does not end', async t => {
  const {supervisor: made, seen} = supervisor(t);
  await made.start(part, shell('trap "" TERM; echo deaf >&2; while :; do sleep 1; done'), at);
  await until(() => seen.lines.length === 1);
  const pid = made.pid(part) as number;
  await made.stop();
  t.throws(() => process.kill(pid, 0), {code: 'ESRCH'});
});

test('a process has a session of its own, and of our environment what it is given', async t => {
  const {supervisor: made, seen} = supervisor(t);
  await made.start(part, shell('ps -o sid= -p $$ >&2; env >&2; read line'), at);
  await until(() => seen.lines.some(line => line.startsWith('link: PATH=')));
  t.is(seen.lines[0]?.replace(/ +/g, ' '), `link: ${made.pid(part)}`);
  t.false(seen.lines.some(line => /HOME=|AVA/.test(line)));
});
