import {chmodSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {systemClocks} from '../../../../agent/daemon/checks/clocks.ts';
import {Watcher} from '../../../../agent/daemon/checks/watcher.ts';
import {Arrivals} from '../../../helpers/waiting.ts';

function watched(t: ExecutionContext, {maxDirectories = 100} = {}) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-watch-')));
  const changes = new Arrivals<string>();
  const watcher = new Watcher({
    clocks: systemClocks,
    maxDirectories,
    onChange: paths => {
      for (const path of paths) changes.add(path.slice(folder.length));
    },
  });
  t.teardown(() => {
    watcher.close();
    rmSync(folder, {recursive: true, force: true});
  });
  const at = (name: string) => join(folder, name);
  const write = (name: string, text = 'text\n') => writeFileSync(at(name), text, {mode: 0o644});
  return {at, write, changes, watcher};
}

/** What changed beside a path, up to a change of that. */
async function until({write, changes}: ReturnType<typeof watched>, path: string): Promise<string[]> {
  const seen = changes.all.filter(change => change === path).length;
  write(path.slice(1), `${Math.random()}\n`);
  await changes.find(change => change === path && changes.all.filter(other => other === path).length > seen);
  return changes.all.filter(change => change !== path);
}

test('Watcher: a file that is written, chmodded, replaced or removed has changed; its neighbours have not', async t => {
  const world = watched(t);
  const {at, write, changes, watcher} = world;
  write('file');
  write('other');
  write('neighbour');
  watcher.set([at('file'), at('end')]);
  write('neighbour', 'changed\n');
  const steps = [
    () => write('file', 'changed\n'),
    () => chmodSync(at('file'), 0o600),
    () => renameSync(at('other'), at('file')),
    () => rmSync(at('file')),
  ];
  for (const [index, step] of steps.entries()) {
    step();
    await changes.count(index + 1);
  }
  t.deepEqual(await until(world, '/end'), ['/file', '/file', '/file', '/file']);
});

test('Watcher: changes within a moment are told once', async t => {
  const world = watched(t);
  const {at, write, watcher} = world;
  write('file');
  watcher.set([at('file'), at('end')]);
  for (let change = 0; change < 50; change++) write('file', `${change}\n`);
  const changes = await until(world, '/end');
  t.true(changes.length >= 1 && changes.length <= 2, `${changes.length}`);
});

test('Watcher: of a directory itself chmod is a change, and with a slash what is in it too', async t => {
  const world = watched(t);
  const {at, write, changes, watcher} = world;
  mkdirSync(at('entry'));
  mkdirSync(at('all'));
  watcher.set([at('entry'), at('all/'), at('end')]);
  write('entry/file');
  t.deepEqual(await until(world, '/end'), []);
  write('all/file');
  await changes.find(change => change === '/all/');
  chmodSync(at('entry'), 0o700);
  await changes.find(change => change === '/entry');
  const before = changes.all.length;
  chmodSync(at('all'), 0o700);
  await changes.count(before + 1);
  t.is(changes.all.at(-1), '/all/');
});

test('Watcher: what does not exist yet is noticed, however deep, and watched from then on', async t => {
  const {at, write, changes, watcher} = watched(t);
  watcher.set([at('a/b/c/file')]);
  mkdirSync(at('a'));
  await changes.count(1);
  mkdirSync(at('a/b/c'), {recursive: true});
  await changes.count(2);
  write('a/b/c/file');
  await changes.count(3);
  chmodSync(at('a/b/c/file'), 0o600);
  await changes.count(4);
  rmSync(at('a'), {recursive: true});
  await changes.count(5);
  mkdirSync(at('a/b/c'), {recursive: true});
  await changes.count(6);
  t.true(changes.all.every(change => change === '/a/b/c/file'));
});

test('Watcher: a directory that another takes the place of is watched anew', async t => {
  const {at, write, changes, watcher} = watched(t);
  for (const name of ['live', 'new']) {
    mkdirSync(at(name));
    write(`${name}/file`);
  }
  watcher.set([at('live/file')]);
  renameSync(at('live'), at('old'));
  renameSync(at('new'), at('live'));
  await changes.count(1);
  write('live/file', 'changed\n');
  await changes.count(2);
  t.deepEqual([...new Set(changes.all)], ['/live/file']);
});

test('Watcher: a link is watched, and what it leads to', async t => {
  const {at, write, changes, watcher} = watched(t);
  mkdirSync(at('usr'));
  write('usr/one');
  write('usr/two');
  symlinkSync('usr/one', at('link'));
  watcher.set([at('link')]);
  chmodSync(at('usr/one'), 0o600);
  await changes.count(1);
  symlinkSync('usr/two', at('link.new'));
  renameSync(at('link.new'), at('link'));
  await changes.count(2);
  chmodSync(at('usr/two'), 0o600);
  await changes.count(3);
  t.true(changes.all.every(change => change === '/link'));
});

test('Watcher: links in a circle are left alone', t => {
  const {at, watcher} = watched(t);
  symlinkSync('b', at('a'));
  symlinkSync('a', at('b'));
  watcher.set([at('a')]);
  t.false(watcher.covers(at('a')));
});

test('Watcher: file systems of the kernel are not watched', t => {
  const {watcher} = watched(t);
  watcher.set(['/proc/sys/kernel/', '/sys/kernel/mm/']);
  t.false(watcher.covers('/proc/sys/kernel/'));
  t.false(watcher.covers('/sys/kernel/mm/'));
});

test('Watcher: more directories than are allowed are said, and the others are watched', async t => {
  const {at, write, changes, watcher} = watched(t, {maxDirectories: 2});
  for (const name of ['a', 'b', 'c']) mkdirSync(at(name));
  watcher.set([at('a/file'), at('b/file'), at('c/file')]);
  t.is(watcher.status().problem, '1 directory is not watched: at most 2 are');
  t.deepEqual(
    [at('a/file'), at('b/file'), at('c/file')].map(path => watcher.covers(path)),
    [true, true, false],
  );
  write('b/file');
  await changes.find(change => change === '/b/file');
  watcher.set([at('c/file')]);
  t.deepEqual(watcher.status(), {directories: 1, problem: null});
});

test('Watcher: in a storm a directory is left alone, and taken as changed afterwards', async t => {
  const {at, write, changes, watcher} = watched(t);
  for (const name of ['file', 'other']) write(name);
  watcher.set([at('file')]);
  // The kernel joins equal events that come one after the other, so two names take turns.
  for (let change = 0; change < 10_000; change++) chmodSync(at(change % 2 === 0 ? 'file' : 'other'), 0o600);
  await changes.count(2);
  t.is(changes.all.length, 2);
  const before = changes.all.length;
  write('file', 'after the storm\n');
  await changes.count(before + 1);
});

test('Watcher: nothing is told after close()', async t => {
  const {at, write, changes, watcher} = watched(t);
  const second = watched(t);
  for (const world of [{write, at, watcher}, second]) {
    world.write('file');
    world.watcher.set([world.at('file')]);
    world.write('file', 'changed\n');
  }
  watcher.close();
  await second.changes.count(1);
  t.is(changes.all.length, 0);
});
