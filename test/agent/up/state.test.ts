import {chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {openState} from '../../../agent/up/state.ts';

const uid = process.getuid?.() ?? 0;

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'reeve-up-'));
  t.teardown(() => rmSync(path, {recursive: true, force: true}));
  return path;
}

test('openState() makes a folder that nobody else may list, and gives back what was saved', t => {
  const root = join(folder(t), 'a', 'state');
  const first = openState(root, uid);
  t.is(first.saved, null);
  t.is(statSync(root).mode & 0o777, uid === 0 ? 0o711 : 0o700);
  const saved = {version: 1, ports: {agents: 4000, page: 4001}} as const;
  first.save(saved);
  t.is(statSync(join(root, 'up.json')).mode & 0o777, 0o600);
  first.release();
  const second = openState(root, uid);
  t.teardown(second.release);
  t.deepEqual(second.saved, saved);
});

test('openState() refuses a state that is in use, until it is released', t => {
  const root = join(folder(t), 'state');
  const first = openState(root, uid);
  t.throws(() => openState(root, uid), {
    code: 'REEVE_UP_RUNNING',
    message: `another reeve up uses "${root}": end it, or choose another folder with --state`,
  });
  first.release();
  openState(root, uid).release();
});

const spoiled: Array<[string, (root: string) => void, RegExp]> = [
  [
    'of a newer version',
    root => writeFileSync(join(root, 'up.json'), '{"version":2}'),
    /version 2, this reeve knows version 1: start the reeve that made it/,
  ],
  ['that is damaged', root => writeFileSync(join(root, 'up.json'), '{"version":1,'), /damaged: move the folder away/],
  ['that holds something else', root => writeFileSync(join(root, 'letter.txt'), ''), /holds something else/],
  ['that others may write', root => chmodSync(root, 0o777), /others may write it: chmod go-w/],
];
for (const [what, spoil, message] of spoiled) {
  test(`openState() refuses a folder ${what}, and says the cure`, t => {
    const root = join(folder(t), 'state');
    mkdirSync(root, {mode: 0o700});
    spoil(root);
    t.throws(() => openState(root, uid), {code: 'REEVE_UP_STATE', message});
    t.throws(() => openState(root, uid), {code: 'REEVE_UP_STATE'}, 'the lock is given back');
  });
}

test('openState() refuses what somebody else owns', t => {
  const root = join(folder(t), 'state');
  mkdirSync(root);
  t.throws(() => openState(root, uid + 1), {code: 'REEVE_UP_STATE', message: /its owner is uid \d+, must be/});
});

test('openState() does not follow a link to a folder', t => {
  const base = folder(t);
  mkdirSync(join(base, 'real'));
  symlinkSync(join(base, 'real'), join(base, 'state'));
  t.throws(() => openState(join(base, 'state'), uid), {code: 'REEVE_UP_STATE', message: /it is no folder/});
});

test('openState() refuses a path that leaves no room for sockets', t => {
  const root = join(folder(t), 'x'.repeat(90));
  t.throws(() => openState(root, uid), {code: 'REEVE_UP_STATE', message: /longer than 85 bytes/});
});

test('save() replaces the file whole', t => {
  const root = join(folder(t), 'state');
  const state = openState(root, uid);
  t.teardown(state.release);
  writeFileSync(join(root, 'up.json.new'), 'left by a crash');
  state.save({version: 1, ports: {agents: 1, page: 2}});
  t.is(readFileSync(join(root, 'up.json'), 'utf8'), '{"version":1,"ports":{"agents":1,"page":2}}\n');
});
