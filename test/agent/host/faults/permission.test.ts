import {chmodSync, mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {
  codeOf,
  isRoot,
  nobodyCanRun,
  reasonOf,
  runUnprivileged,
  scratch,
  type Walked,
} from '../../../helpers/faults/run.ts';

test('what an ordinary user may not read is denied, with the cure, and never absent', async t => {
  if (isRoot && !nobodyCanRun()) {
    t.log('skipped: nobody may not read this repository');
    return t.pass();
  }
  const {path, remove} = scratch();
  t.teardown(remove);
  writeFileSync(join(path, 'open'), 'x');
  writeFileSync(join(path, 'closed'), 'x');
  mkdirSync(join(path, 'directory/inner'), {recursive: true});
  mkdirSync(join(path, 'unlisted'));
  writeFileSync(join(path, 'unlisted/file'), 'x');
  chmodSync(join(path, 'closed'), 0);
  chmodSync(join(path, 'directory'), 0);
  chmodSync(join(path, 'unlisted'), 0o111);
  t.teardown(() => chmodSync(join(path, 'directory'), 0o700));
  t.teardown(() => chmodSync(join(path, 'unlisted'), 0o700));
  const {results} = await runUnprivileged([
    {look: 'readFile', args: [`${path}/open`]},
    {look: 'readFile', args: [`${path}/closed`]},
    {look: 'lstat', args: [`${path}/closed`]},
    {look: 'list', args: [`${path}/directory`]},
    {look: 'lstat', args: [`${path}/directory/inner`]},
    {look: 'lstat', args: [`${path}/directory/nothing`]},
    {look: 'list', args: [`${path}/unlisted`]},
    {look: 'lstat', args: [`${path}/unlisted/file`]},
    {look: 'readFile', args: ['/proc/1/environ']},
    {walk: path},
  ]);
  t.deepEqual(results.slice(0, 9).map(codeOf), [
    'ok',
    'denied',
    'ok',
    'denied',
    'denied',
    'denied',
    'denied',
    'ok',
    'denied',
  ]);
  t.regex(reasonOf(results[1]), /^cannot read .*\/closed: permission denied, run as root \(EACCES\)$/);
  const {seen, notSeen} = results[9] as Walked;
  t.is(seen, 4);
  t.is(notSeen.length, 2);
  t.true(notSeen.every(reason => reason.includes('permission denied')));
});
