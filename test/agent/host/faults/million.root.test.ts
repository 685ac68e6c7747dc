import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {isRoot, runApart, scratch, type Walked} from '../../../helpers/faults/run.ts';

test('a directory with a million entries is walked and listed in bounded memory', async t => {
  if (!isRoot) {
    t.log('skipped: only root can mount the memory file system that it takes');
    return t.pass();
  }
  const {path, remove} = scratch();
  t.teardown(remove);
  const point = join(path, 'many');
  mkdirSync(point);
  const fill = `mount -t tmpfs -o size=1g,nr_inodes=0 many ${point}
    perl -e 'chdir shift; open F, ">0"; close F; for (1 .. 999_999) { link("0", $_) or die }' ${point}`;
  const idle = await runApart('', []);
  const {results, ms, rssMb} = await runApart(fill, [{walk: path}, {look: 'list', args: [point]}]);
  const {seen, notSeen} = results[0] as Walked;
  t.deepEqual([seen, notSeen], [1_000_001, []]);
  const list = results[1] as {ok: true; value: {names: string[]; truncated: boolean}};
  t.is(list.value.names.length, 100_000);
  t.true(list.value.truncated);
  t.true(rssMb - idle.rssMb < 80, `${rssMb} MB, ${idle.rssMb} MB without`);
  t.log(`${ms[0]?.toFixed()} ms, ${(rssMb - idle.rssMb).toFixed()} MB more than without`);
});

test('a directory with 100,000 directories is walked in bounded memory', async t => {
  if (!isRoot) {
    t.log('skipped: only root can mount the memory file system that it takes');
    return t.pass();
  }
  const {path, remove} = scratch();
  t.teardown(remove);
  const point = join(path, 'many');
  mkdirSync(point);
  const fill = `mount -t tmpfs -o size=1g,nr_inodes=0 many ${point}
    perl -e 'chdir shift; for (1 .. 100_000) { mkdir $_ or die }' ${point}`;
  const idle = await runApart('', []);
  const {results, rssMb} = await runApart(fill, [{walk: point}]);
  const {seen, notSeen} = results[0] as Walked;
  t.deepEqual([seen, notSeen], [100_000, []]);
  t.true(rssMb - idle.rssMb < 80, `${rssMb} MB, ${idle.rssMb} MB without`);
});
