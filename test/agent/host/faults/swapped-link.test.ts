import {spawn} from 'node:child_process';
import {mkdirSync, renameSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {localFs} from '../../../../agent/host/local/fs.ts';
import {native} from '../../../../agent/host/local/native.ts';
import {scratch} from '../../../helpers/faults/run.ts';

/** Exchanges a directory and a link to a directory outside for ever, with short rests, so that looks get a turn. */
const swap = `
  import {renameSync} from 'node:fs';
  process.stdout.write('x');
  const [root] = process.argv.slice(1);
  const rest = () => {
    for (const until = performance.now() + Math.random() * 0.2; performance.now() < until; );
  };
  for (;;) {
    rest();
    renameSync(root + '/victim', root + '/kept');
    renameSync(root + '/link', root + '/victim');
    rest();
    renameSync(root + '/victim', root + '/link');
    renameSync(root + '/kept', root + '/victim');
  }
`;

const rounds = 3000;

for (const [how, part] of [
  ['with', native],
  ['without', null],
] as const) {
  for (const target of ['relative', 'absolute']) {
    test.serial(
      `a directory swapped for a ${target} link never leads out of the root, ${how} the native part`,
      async t => {
        const {path: home, remove} = scratch();
        t.teardown(remove);
        const root = join(home, 'root');
        mkdirSync(join(root, 'victim/deep'), {recursive: true});
        writeFileSync(join(root, 'victim/deep/file'), 'inside');
        mkdirSync(join(home, 'outside/deep'), {recursive: true});
        writeFileSync(join(home, 'outside/deep/file'), 'outside');
        writeFileSync(join(home, 'outside/deep/escaped'), '');
        symlinkSync(target === 'relative' ? '../outside' : join(home, 'outside'), join(root, 'link'));
        const swapper = spawn(process.execPath, ['--input-type=module', '-e', swap, '--', root], {
          stdio: ['ignore', 'pipe', 'ignore'],
        });
        t.teardown(() => swapper.kill('SIGKILL'));
        await new Promise(resolve => swapper.stdout.once('data', resolve));
        const fs = localFs(root, part);
        let [escapes, inside, missed] = [0, 0, 0];
        const until = performance.now() + 8000;
        for (let round = 0; round < rounds && performance.now() < until; round++) {
          const file = await fs.readFile('/victim/deep/file');
          if (file.ok && file.value.bytes.toString() === 'inside') inside++;
          else if (file.ok) escapes++;
          else missed++;
          if ((await fs.lstat('/victim/deep/escaped')).ok) escapes++;
          await fs.walk('/', {
            enter: () => true,
            visit: ({name}) => {
              if (name === 'escaped') escapes++;
            },
            notSeen: () => missed++,
            leftOut: () => t.fail(),
          });
        }
        t.log(`${inside} reads inside, ${missed} looks missed, ${escapes} escapes`);
        t.is(escapes, 0);
        t.true(inside > 0 && missed > 0, 'the swapping was never met');
      },
    );
  }
}

test('a directory that is a link by the time it is entered is named as not seen', async t => {
  const {path: root, remove} = scratch();
  t.teardown(remove);
  mkdirSync(join(root, 'a/b'), {recursive: true});
  const notSeen: string[] = [];
  await localFs(root).walk('/', {
    enter: path => {
      if (path === '/a') {
        renameSync(join(root, 'a'), join(root, 'was'));
        symlinkSync('/etc', join(root, 'a'));
      }
      return true;
    },
    visit: () => {},
    notSeen: (path, reason) => notSeen.push(`${path}: ${reason}`),
    leftOut: () => t.fail(),
  });
  t.deepEqual(notSeen, ['/a: cannot walk /a: it was replaced while the tree was walked']);
});
