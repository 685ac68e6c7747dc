import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {inspect} from 'node:util';
import test from 'ava';
import {collectProcessEnvironment} from '../../../../../agent/host/facts/processes/environment.ts';
import {HostTables} from '../../../../../agent/host/facts/tables.ts';
import type {Host} from '../../../../../agent/host/host.ts';
import {localHost} from '../../../../../agent/host/local/host.ts';
import type {Fixture} from '../../../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../../../agent/host/memory/host.ts';
import {procFiles} from '../../../../helpers/proc.ts';

async function look(host: Host, ...names: string[][]) {
  return collectProcessEnvironment(
    names.map(list => ({names: list})),
    {host, tables: new HostTables(host)},
  );
}
const lookAt = (files: NonNullable<Fixture['files']>, ...names: string[][]) => look(memoryHost({files}), ...names);

test('collectProcessEnvironment() gives the asked values and no other, to each request its own', async t => {
  const files = procFiles({pid: 7, environment: {HOME: '/home/a', TOKEN: 'secret-value', LD_PRELOAD: 'x=y'}});
  const answers = await lookAt(files, ['HOME'], ['ABSENT', 'LD_PRELOAD']);
  t.deepEqual(
    answers.map(answer => answer.state === 'seen' && answer.value),
    [[{pid: 7, values: new Map([['HOME', '/home/a']])}], [{pid: 7, values: new Map([['LD_PRELOAD', 'x=y']])}]],
  );
  t.notRegex(inspect(answers, {depth: null}), /secret-value/);
});

test('collectProcessEnvironment() takes the first of a name and ignores what is no variable', async t => {
  const [answer] = await lookAt({...procFiles({pid: 7}), '/proc/7/environ': 'A=1\0A=2\0=x\0nothing\0\0A'}, [
    'A',
    'nothing',
    '',
  ]);
  t.deepEqual(answer?.state === 'seen' && answer.value, [{pid: 7, values: new Map([['A', '1']])}]);
});

const refused: Array<[what: string, environ: NonNullable<Fixture['files']>[string]]> = [
  ['it may not be read', {read_error: 'EACCES'}],
  ['it is larger than any real one', 'X=1\0'.repeat(300_000)],
  ['an asked value is too long', `A=${'x'.repeat(5000)}\0`],
];
for (const [what, environ] of refused) {
  test(`collectProcessEnvironment() is unseen for a process when ${what}`, async t => {
    const [answer] = await lookAt({...procFiles({pid: 7}), '/proc/7/environ': environ}, ['A']);
    const [entry] = answer?.state === 'seen' ? answer.value : [];
    t.true(entry !== undefined && 'unseen' in entry, inspect(entry));
  });
}

test('collectProcessEnvironment() reads a child of this test on the live machine', async t => {
  const child = spawn('/bin/sh', ['-c', 'echo ready; read x'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {REEVE_TEST: 'a\nb', OTHER: 'hidden-value'},
  });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const [answer] = await look(localHost('/'), ['REEVE_TEST']);
  if (answer?.state !== 'seen') return t.fail(inspect(answer));
  t.deepEqual(
    answer.value.find(({pid}) => pid === child.pid),
    {pid: child.pid as number, values: new Map([['REEVE_TEST', 'a\nb']])},
  );
  t.notRegex(inspect(answer, {depth: null, maxArrayLength: null}), /hidden-value/);
});
