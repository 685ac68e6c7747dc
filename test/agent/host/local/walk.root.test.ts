import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {isRoot, runApart, runProbe, scratch, type Walked} from '../../../helpers/faults/run.ts';

const setup = (home: string) => `
  cd ${home}
  mkdir disk bound again lower upper work merged image
  mount -t tmpfs disk disk
  mkdir -p disk/sub/deep disk/other
  touch disk/sub/deep/file disk/other/file
  mount --bind disk/sub bound
  mount --bind disk again
  mkdir lower/a && touch lower/a/file`;

test('a walk enters disks, and a tree that is mounted twice once', async t => {
  if (!isRoot) {
    t.log('skipped: only root can mount');
    return t.pass();
  }
  const {path: home, remove} = scratch();
  t.teardown(remove);
  const {results} = await runApart(setup(home), [
    {walk: home},
    {walk: join(home, 'bound')},
    {walk: '/proc'},
    {walk: '/proc/self'},
  ]);
  const [all, bound, proc, self] = results as [Walked, Walked, Walked, Walked];
  t.deepEqual(all.notSeen, []);
  // Eight directories; in disk three more and two files; in lower a directory and a file.
  t.is(all.seen, 8 + 5 + 2);
  t.is(bound.seen, 2);
  t.regex(proc.notSeen.join(), /\/proc is a file system of the kernel's \(proc\)/);
  t.regex(self.notSeen.join(), /file system of the kernel's/);
});

for (const withNative of [true, false]) {
  test(`a walk shows the same entries ${withNative ? 'with' : 'without'} the native part as find(1)`, async t => {
    const {results} = await runProbe([{walk: '/usr/share'}, {run: 'find /usr/share -mindepth 1 -xdev | wc -l'}], {
      withNative,
    });
    t.is((results[0] as Walked).seen, Number(results[1]));
  });
}

test('a walk of an image leaves out what lies outside it, and mounts inside it that may not answer', async t => {
  if (!isRoot) {
    t.log('skipped: only root can mount');
    return t.pass();
  }
  const {path: home, remove} = scratch();
  t.teardown(remove);
  for (const name of ['root/mnt', 'root/disk', 'outside']) mkdirSync(join(home, name), {recursive: true});
  const script = `
    mount -t tmpfs x ${home}/outside; touch ${home}/outside/file; mkdir ${home}/outside/sub; touch ${home}/outside/sub/file
    mount --bind ${home}/outside ${home}/root/disk
    mount -t tmpfs -o size=1m y ${home}/root/mnt`;
  const {results} = await runApart(script, [{walk: '/'}, {walk: '/disk'}], {root: join(home, 'root')});
  const [whole, disk] = results as [Walked, Walked];
  t.deepEqual(whole.notSeen, []);
  t.is(whole.seen, 2 + 3);
  t.is(disk.seen, 3);
});
