import {execFileSync} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {compareRpmPart, compareRpmVersions, splitRpmVersion} from '../../policies/rpm-version.ts';
import {lacks} from '../helpers/rpm.ts';

const ordered: Array<[title: string, less: string, more: string]> = [
  ['numbers as numbers', '1.9', '1.10'],
  ['a longer version after its beginning', '1.0', '1.0.1'],
  ['a tilde before the end', '1.0~rc1', '1.0'],
  ['a caret after the end', '1.0', '1.0^git1'],
  ['a caret before more digits', '1.0^git1', '1.0.1'],
  ['letters before numbers', '1.a', '1.1'],
  ['upper case before lower case', '1.A', '1.a'],
  ['numbers longer than any integer', '1.99999999999999999998', '1.99999999999999999999'],
];
for (const [title, less, more] of ordered) {
  test(`compareRpmPart() puts ${title}`, t => {
    t.true(compareRpmPart(less, more) < 0);
    t.true(compareRpmPart(more, less) > 0);
    t.is(compareRpmPart(less, less), 0);
  });
}

test('compareRpmPart() does not see what parts two runs, nor leading zeros', t => {
  t.is(compareRpmPart('1.0_2', '1-0+002'), 0);
});

test('compareRpmVersions() puts the epoch first and the release last', t => {
  t.true(compareRpmVersions('1:1.0-1', '9.0-1') > 0);
  t.true(compareRpmVersions('1.0-1.el9', '1.0-2.el9') < 0);
  t.is(compareRpmVersions('0:1.0-1', '1.0-1'), 0);
  t.true(compareRpmVersions('1.0', '1.0-1') < 0);
});

test('splitRpmVersion() takes a name without digits before the colon as part of the version', t => {
  t.deepEqual(splitRpmVersion('a:1-2'), {epoch: '0', version: 'a:1', release: '2'});
  t.deepEqual(splitRpmVersion('007:1-2'), {epoch: '7', version: '1', release: '2'});
});

test('compareRpmVersions() orders 3,000 pairs as rpm does', t => {
  if (lacks(t, '/usr/bin/rpm')) return;
  const pairs = randomPairs(3000);
  const folder = mkdtempSync(join(tmpdir(), 'reeve-rpm-version-'));
  try {
    writeFileSync(join(folder, 'pairs'), `${pairs.map(pair => pair.join(' ')).join('\n')}\n`);
    const lua = `%{lua: for l in io.lines("${folder}/pairs") do local a,b=l:match("^(%S+) (%S+)$") print(rpm.vercmp(a,b).."\\n") end}`;
    const output = execFileSync('/usr/bin/rpm', ['--eval', lua], {encoding: 'utf8', env: {HOME: folder, LC_ALL: 'C'}});
    const orders = output
      .split('\n')
      .filter(line => line !== '')
      .map(Number);
    t.deepEqual(
      pairs.map(([a, b]) => Math.sign(compareRpmVersions(a, b))),
      orders,
    );
  } finally {
    rmSync(folder, {recursive: true});
  }
});

/** The same pairs at each run, rich in what is special. */
function randomPairs(count: number): Array<[string, string]> {
  let state = 20_261_121;
  const below = (limit: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const alphabet = '01~^.a1b_+Z9';
  const word = (max: number) => Array.from({length: 1 + below(max)}, () => alphabet[below(alphabet.length)]).join('');
  const version = () => `${below(10) < 3 ? `${below(3)}:` : ''}${word(6)}${below(10) < 6 ? `-${word(4)}` : ''}`;
  return Array.from({length: count}, () => [version(), version()]);
}
