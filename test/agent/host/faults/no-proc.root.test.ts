import test from 'ava';
import {isRoot, reasonOf, runApart, type Walked} from '../../../helpers/faults/run.ts';

test('without /proc every look fails with the cure, and nothing is called absent', async t => {
  if (!isRoot) {
    t.log('skipped: only root can take /proc away');
    return t.pass();
  }
  const {results} = await runApart('while umount -l /proc 2>/dev/null; do :; done', [
    {look: 'lstat', args: ['/etc/passwd']},
    {look: 'readFile', args: ['/etc/no such file']},
    {look: 'list', args: ['/']},
    {walk: '/etc'},
  ]);
  const reasons = [...results.slice(0, 3).map(reasonOf), ...(results[3] as Walked).notSeen];
  t.is(reasons.length, 4);
  for (const reason of reasons)
    t.regex(reason, /^cannot .*: \/proc is not mounted here, .*: mount -t proc proc \/proc$/);
});
