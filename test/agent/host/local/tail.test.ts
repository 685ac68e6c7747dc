import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setImmediate} from 'node:timers/promises';
import test from 'ava';
import {localHost} from '../../../../agent/host/local/host.ts';
import {memoryHost} from '../../../../agent/host/memory/host.ts';

function scratch(t: {teardown: (clean: () => void) => void}): string {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-tail-'));
  t.teardown(() => rmSync(folder, {recursive: true}));
  return folder;
}

test('readTail() gives the end of a file, and says whether there is more before it', async t => {
  const folder = scratch(t);
  writeFileSync(join(folder, 'log'), 'one\ntwo\nthree\n');
  for (const {fs} of [localHost(folder), memoryHost({files: {'/log': 'one\ntwo\nthree\n'}})]) {
    const end = await fs.readTail('/log', {maxBytes: 6});
    t.like(end, {ok: true, value: {truncated: true}});
    t.is(end.ok && end.value.bytes.toString(), 'three\n');
    const whole = await fs.readTail('/log', {maxBytes: 100});
    t.like(whole, {ok: true, value: {truncated: false}});
    t.is(whole.ok && whole.value.bytes.toString(), 'one\ntwo\nthree\n');
  }
});

test('readTail() reads a log that grows all the while', async t => {
  const folder = scratch(t);
  const path = join(folder, 'log');
  writeFileSync(path, 'x\n'.repeat(100_000));
  const writer = spawn(
    '/bin/sh',
    ['-c', 'n=0; while [ $n -lt 20000000 ]; do echo more; n=$((n+1)); done >>"$0"', path],
    {stdio: 'ignore'},
  );
  const ended = once(writer, 'exit');
  const {fs} = localHost(folder);
  const sizes = new Set<number>();
  const deadline = performance.now() + 15_000;
  while (sizes.size < 20 && performance.now() < deadline) {
    const look = await fs.readTail('/log', {maxBytes: 1000});
    if (!look.ok) t.fail(look.reason);
    else sizes.add(look.value.stat.size);
    await setImmediate();
  }
  writer.kill('SIGKILL');
  await ended;
  t.true(sizes.size >= 20, `the log was seen at ${sizes.size} sizes only`);
});

test('readTail() refuses what is no regular file', async t => {
  const folder = scratch(t);
  t.like(await localHost(folder).fs.readTail('/', {maxBytes: 10}), {ok: false, code: 'wrong-type'});
  t.like(await localHost(folder).fs.readTail('/none', {maxBytes: 10}), {ok: false, code: 'absent'});
});
