import {execFileSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import test from 'ava';
import {compareVersions} from '../../policies/version.ts';
import {seeded} from '../helpers/random.ts';

const rows: Array<[string, '<' | '=' | '>', string]> = [
  ['1.0', '=', '1.00'],
  ['1.0', '=', '0:1.0'],
  ['1.0', '=', '1.0-0'],
  ['1.0~rc1', '<', '1.0'],
  ['1.0~~', '<', '1.0~'],
  ['1.0~', '<', '1.0-1'],
  ['1.0-1~bpo12+1', '<', '1.0-1'],
  ['1.0-1+deb12u1', '>', '1.0-1'],
  ['1.0-1+deb12u10', '>', '1.0-1+deb12u9'],
  ['1:0.1', '>', '9999'],
  ['10:1', '>', '9:1'],
  ['1.0a', '>', '1.0'],
  ['1.0+b1', '>', '1.0a'],
  ['1.0.', '>', '1.0'],
  ['1-1-1', '>', '1-1'],
  ['00000000000000000000000001', '=', '1'],
  ['99999999999999999999999998', '<', '99999999999999999999999999'],
];

for (const [a, order, b] of rows) {
  test(`compareVersions() has ${a} ${order} ${b}`, t => {
    const sign = order === '<' ? -1 : order === '>' ? 1 : 0;
    t.is(Math.sign(compareVersions(a, b)), sign);
    t.is(Math.sign(compareVersions(b, a)), -sign || 0);
  });
}

const pieces = [
  '0',
  '1',
  '2',
  '10',
  '09',
  '~',
  '+',
  '.',
  '-',
  'a',
  'b',
  'z',
  'A',
  'deb12u',
  '~rc',
  '+dfsg',
  '~~',
  '1:',
  '.0',
];

function randomVersion(below: (limit: number) => number): string {
  let text = ['', '', '1:', '2:'][below(4)] as string;
  text += String(below(3));
  for (let count = below(6); count > 0; count--) text += pieces[below(pieces.length)] as string;
  return text;
}

/** deb-version(7): dpkg refuses others, so they have no order. */
const isValid = (version: string) => /^(?:\d+:)?\d[A-Za-z0-9.+~-]*$/.test(version) && !version.endsWith('-');

test('compareVersions() orders 300 random pairs as dpkg --compare-versions does', t => {
  if (!existsSync('/usr/bin/dpkg')) {
    t.log('skipped: dpkg is not installed');
    return t.pass();
  }
  const below = seeded(7);
  const pairs: Array<[string, string]> = [];
  while (pairs.length < 300) {
    const pair: [string, string] = [randomVersion(below), randomVersion(below)];
    if (pair.every(isValid)) pairs.push(pair);
  }
  const script =
    'while read -r a b; do if dpkg --compare-versions "$a" lt "$b"; then echo -1; elif dpkg --compare-versions "$a" eq "$b"; then echo 0; else echo 1; fi; done';
  const input = `${pairs.map(pair => pair.join(' ')).join('\n')}\n`;
  const wanted = execFileSync('/bin/sh', ['-c', script], {input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'inherit']})
    .trim()
    .split('\n')
    .map(Number);
  const differing = pairs.filter(([a, b], index) => Math.sign(compareVersions(a, b)) !== wanted[index]);
  t.is(wanted.length, pairs.length);
  t.deepEqual(differing, []);
  for (const order of [-1, 0, 1]) t.true(wanted.includes(order));
});
