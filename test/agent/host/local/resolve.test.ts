import {closeSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {localFs} from '../../../../agent/host/local/fs.ts';
import {Mounts} from '../../../../agent/host/local/mounts.ts';
import {Resolver} from '../../../../agent/host/local/resolve.ts';
import {codeOf, scratch} from '../../../helpers/faults/run.ts';

function makeRoot() {
  const {path: root, remove} = scratch();
  mkdirSync(join(root, 'a/b/c'), {recursive: true});
  writeFileSync(join(root, 'a/b/file'), 'inside');
  symlinkSync('/a/b', join(root, 'absolute'));
  symlinkSync('../../../../../a', join(root, 'a/b/up'));
  symlinkSync('b/file', join(root, 'a/link'));
  symlinkSync('/etc/passwd', join(root, 'out'));
  symlinkSync('../../../../../../../../etc/passwd', join(root, 'a/out'));
  return {root, remove};
}

const rows: Array<[path: string, follow: boolean, leads: string]> = [
  ['/', true, '/'],
  ['/a/b/file', false, '/a/b/file'],
  ['//a/./b//file', false, '/a/b/file'],
  ['/a/b/', false, '/a/b'],
  ['/a/b/..', false, '/a'],
  ['/../../a', false, '/a'],
  ['/absolute', false, '/absolute'],
  ['/absolute', true, '/a/b'],
  ['/absolute/file', false, '/a/b/file'],
  ['/a/b/up/link', false, '/a/link'],
  ['/a/b/up/link', true, '/a/b/file'],
  ['/a/b/up/b/up/b/file', true, '/a/b/file'],
];
for (const [path, follow, leads] of rows) {
  test(`open() leads from ${path} to ${leads}${follow ? ', following' : ''}, cold and warm`, t => {
    const {root, remove} = makeRoot();
    t.teardown(remove);
    const resolver = new Resolver(root, new Mounts());
    for (let round = 0; round < 3; round++) {
      const opened = resolver.open(path, follow);
      closeSync(opened.fd);
      t.is(opened.path, leads);
    }
  });
}

test('no link leads out of the root', async t => {
  const {root, remove} = makeRoot();
  t.teardown(remove);
  const fs = localFs(root);
  for (let round = 0; round < 3; round++) {
    for (const path of ['/out', '/a/out', '/a/../../../../etc/passwd'])
      t.is(codeOf(await fs.readFile(path)), 'absent', path);
  }
});

test('a directory that was looked at is not remembered once it is a link', async t => {
  const {root, remove} = makeRoot();
  t.teardown(remove);
  const fs = localFs(root);
  for (let round = 0; round < 3; round++) t.is(codeOf(await fs.readFile('/a/b/file')), 'ok');
  mkdirSync(join(root, 'kept'));
  renameSync(join(root, 'a/b'), join(root, 'kept/b'));
  t.is(codeOf(await fs.readFile('/a/b/file')), 'absent');
  symlinkSync('/', join(root, 'a/b'));
  writeFileSync(join(root, 'file'), 'behind the link');
  const file = await fs.readFile('/a/b/file');
  t.is(file.ok && file.value.bytes.toString(), 'behind the link');
  const real = await fs.realPath('/a/b/file');
  t.is(real.ok && real.value, '/file');
  rmSync(join(root, 'a/b'));
  symlinkSync('/etc', join(root, 'a/b'));
  t.is(codeOf(await fs.lstat('/a/b/passwd')), 'absent');
});

test('looking leaves no descriptor open', async t => {
  const {root, remove} = makeRoot();
  t.teardown(remove);
  const fs = localFs(root);
  const open = () => readdirSync('/proc/self/fd').length;
  const before = open();
  for (const path of ['/a/b/file', '/a/link', '/nope', '/a/b/file/x', '/out', '/a/b/up', '/']) {
    await fs.lstat(path);
    await fs.readFile(path);
    await fs.list(path);
    await fs.readLink(path);
    await fs.realPath(path);
    await fs.readXattr(path, 'user.x');
  }
  await fs.walk('/', {enter: () => true, visit: () => {}, notSeen: () => {}, leftOut: () => {}});
  await t.throwsAsync(
    fs.walk('/', {
      enter: () => true,
      visit: () => {
        throw new Error('stop');
      },
      notSeen: (_, reason) => {
        throw new Error(reason);
      },
      leftOut: () => {},
    }),
  );
  t.is(open(), before);
});
