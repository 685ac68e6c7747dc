import {execFileSync} from 'node:child_process';
import {chmodSync, mkdtempSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {orList, shellWord, symbolicMode} from '../../../policies/kinds/shared.ts';

test('symbolicMode() is what chmod(1) needs to clear and set exactly those bits', t => {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-'));
  t.teardown(() => rmSync(folder, {recursive: true}));
  const file = join(folder, 'f');
  writeFileSync(file, '');
  for (const [before, clear, set] of [
    [0o755, 0o111, 0],
    [0o6777, 0o6022, 0],
    [0o1777, 0o1007, 0],
    [0o600, 0, 0o044],
    [0o4711, 0o4001, 0o040],
  ] as const) {
    chmodSync(file, before);
    execFileSync('chmod', [symbolicMode(clear, set), file]);
    t.is(statSync(file).mode & 0o7777, (before & ~clear) | set, symbolicMode(clear, set));
  }
  t.is(symbolicMode(0o111, 0), 'a-x');
  t.is(symbolicMode(0o037, 0), 'g-wx,o-rwx');
});

test('shellWord() gives one word that a shell reads back', t => {
  for (const text of ['plain', 'two words', "o'x", '$(id)', '`id`', 'a\\b', '*', 'ä']) {
    t.is(execFileSync('/bin/sh', ['-c', `printf %s ${shellWord(text)}`], {encoding: 'utf8'}), text);
  }
});

test('orList() joins as people do', t => {
  t.is(orList(['a']), 'a');
  t.is(orList(['a', 'b', 'c']), 'a, b or c');
});
