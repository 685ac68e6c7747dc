import {execFileSync} from 'node:child_process';
import {join} from 'node:path';
import test from 'ava';
import {runProbe, scratch, type Walked} from '../../../helpers/faults/run.ts';

const levels = 10_000;
const make = `
  import {mkdirSync, writeFileSync} from 'node:fs';
  process.chdir(process.argv[1]);
  for (let level = 0; level < ${levels}; level++) {
    if (level % 1000 === 0) writeFileSync('file', '');
    if (level % 500 === 0) mkdirSync('e');
    mkdirSync('d');
    process.chdir('d');
  }
  writeFileSync('bottom', '');
`;

const {path: deep} = scratch();
test.before(() => execFileSync(process.execPath, ['--input-type=module', '-e', make, '--', deep]));
test.after.always(() => execFileSync('rm', ['-rf', deep]));

for (const withNative of [true, false]) {
  const how = withNative ? 'with' : 'without';
  test(`a tree of 10,000 levels is walked to its end with few descriptors, ${how} the native part`, async t => {
    const wrap = ['sh', '-c', 'ulimit -n 256; exec "$@"', 'sh'];
    const {results, rssMb} = await runProbe([{walk: '/'}], {root: deep, withNative, wrap});
    const {seen, notSeen} = results[0] as Walked;
    t.deepEqual(notSeen, []);
    t.is(seen, levels + 10 + 20 + 1);
    t.true(rssMb < 160, `${rssMb} MB`);
  });
}

test('a directory whose path has become too long is not entered, and named', async t => {
  const {path: root} = scratch();
  t.teardown(() => execFileSync('rm', ['-rf', root]));
  const name = 'x'.repeat(250);
  const script = `
    import {mkdirSync} from 'node:fs';
    process.chdir(process.argv[1]);
    for (let level = 0; level < 400; level++) { mkdirSync('${name}'); process.chdir('${name}'); }`;
  execFileSync(process.execPath, ['--input-type=module', '-e', script, '--', root]);
  const {results} = await runProbe([{walk: '/'}, {look: 'lstat', args: [join('/', ...Array(300).fill(name))]}], {root});
  const {seen, notSeen} = results[0] as Walked;
  t.true(seen > 200 && seen < 400);
  t.regex(notSeen.join(), /its path is longer than 65536 characters/);
  t.like(results[1], {ok: true});
});
