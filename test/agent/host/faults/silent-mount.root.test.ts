import {chownSync, mkdirSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {
  buildSilentFs,
  codeOf,
  isRoot,
  mountSilentFs,
  reasonOf,
  runApart,
  type Step,
  scratch,
  type Walked,
} from '../../../helpers/faults/run.ts';

const {path: home, remove} = scratch();
const point = join(home, 'silent');
const program = isRoot ? buildSilentFs(home) : '';
mkdirSync(point);
symlinkSync(point, join(home, 'link'));
test.after.always(remove);

const looks: Step[] = [
  {look: 'lstat', args: [point]},
  {look: 'stat', args: [`${point}/file`]},
  {look: 'readFile', args: [`${point}/file`]},
  {look: 'readTail', args: [`${home}/link/file`, {maxBytes: 100}]},
  {look: 'list', args: [point]},
  {look: 'lstat', args: [`${home}/link`]},
  {look: 'lstat', args: ['/etc/passwd']},
  {walk: home},
  {walk: `${home}/link`},
];

const modes: Array<[mode: string, title: string, codes: string[]]> = [
  ['getattr', 'never answers', ['timeout', 'timeout', 'timeout', 'timeout', 'timeout', 'ok', 'ok']],
  ['open', 'answers until a file is opened', ['ok', 'ok', 'timeout', 'timeout', 'timeout', 'ok', 'ok']],
  ['read', 'answers until a file is read', ['ok', 'ok', 'timeout', 'timeout', 'timeout', 'ok', 'ok']],
  ['none', 'answers', ['ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok']],
];
for (const [mode, title, codes] of modes) {
  test(`a FUSE mount that ${title} costs one deadline at most`, async t => {
    if (!isRoot) {
      t.log('skipped: only root can mount');
      return t.pass();
    }
    const {results, ms} = await runApart(mountSilentFs(program, mode, point), looks);
    t.deepEqual(results.slice(0, 7).map(codeOf), codes);
    const silent = results.filter(look => codeOf(look) === 'timeout').map(reasonOf);
    t.true(
      silent.every(reason => reason.endsWith(`mount ${point} (fuse.silent-fs) did not answer within 2 s`)),
      silent[0],
    );
    t.true(ms.reduce((sum, one) => sum + one, 0) < 20_000, `it took ${ms} ms`);
    const [walked, behindLink] = results.slice(7) as [Walked, Walked];
    t.deepEqual(walked.leftOut, [`${point} (fuse.silent-fs)`]);
    t.deepEqual(walked.notSeen, []);
    t.regex(behindLink.notSeen.join(), /served from elsewhere \(fuse.silent-fs\), and a walk never waits for others/);
  });
}

for (const withNative of [true, false]) {
  const how = withNative ? 'with' : 'without';
  test(`a silent mount that a user made a moment ago is not touched either, ${how} the native part`, async t => {
    if (!isRoot) {
      t.log('skipped: only root can mount');
      return t.pass();
    }
    // The first look reads the table of mounts, and the mount is made before that table is read again.
    const users = join(home, `users-${withNative}`);
    mkdirSync(join(users, 'silent'), {recursive: true});
    mkdirSync(join(users, 'other'));
    chownSync(users, 65_534, 65_534);
    const steps: Step[] = [
      {look: 'lstat', args: [`${users}/silent`]},
      {run: mountSilentFs(program, 'getattr', `${users}/silent`)},
      {walk: users},
      {look: 'lstat', args: [`${users}/silent/file`]},
      {run: mountSilentFs(program, 'getattr', `${users}/other`)},
      {look: 'lstat', args: [`${users}/other`]},
    ];
    const {results, ms} = await runApart('', steps, {withNative});
    t.is(codeOf(results[0]), 'ok');
    const {seen, leftOut} = results[2] as Walked;
    t.deepEqual([seen, leftOut], [1, [`${users}/silent (fuse.silent-fs)`]]);
    t.deepEqual([results[3], results[5]].map(codeOf), ['timeout', 'timeout']);
    t.true(ms.reduce((sum, one) => sum + one, 0) < 20_000, `it took ${ms} ms`);
  });
}

test('the process that looks at such mounts ends with the one that started it', async t => {
  if (!isRoot) {
    t.log('skipped: only root can mount');
    return t.pass();
  }
  const looking = 'grep -lE "s[l]ow-reader" /proc/[0-9]*/cmdline';
  const {results} = await runApart(
    `${mountSilentFs(program, 'none', point)}; "$@"; sleep 0.5; ! ${looking} || exit 9; exit 0`,
    [{look: 'lstat', args: [`${point}/file`]}, {run: looking}],
  );
  t.is(codeOf(results[0]), 'ok');
  t.regex(results[1] as string, /^\/proc\/\d+\/cmdline\n$/);
});
