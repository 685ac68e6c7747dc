import test from 'ava';
import {formatProblem} from '../../../policies/load/problem.ts';
import {parseTime} from '../../../policies/load/time.ts';
import {loadWaivers} from '../../../policies/load/waivers.ts';

const waiver = (changes: {[key: string]: string} = {}) => {
  const fields = {
    id: 'W-1',
    rule: 'ssh.root-login',
    reason: 'the vendor needs it until May',
    owner: 'ops',
    approved_by: 'ciso',
    expires: '"2027-03-31T00:00:00Z"',
    ...changes,
  };
  return `waivers:\n  - ${Object.entries(fields)
    .filter(([, value]) => value !== '')
    .map(([key, value]) => `${key}: ${value}`)
    .join('\n    ')}\n`;
};

test('loadWaivers() reads a waiver', t => {
  const {value} = loadWaivers('waivers.yaml', waiver());
  t.is(value?.[0]?.expiresMs, Date.UTC(2027, 2, 31));
  t.is(value?.[0]?.where, 'waivers.yaml:2');
});

const rows: Array<[string, string, string]> = [
  ['without an end', waiver({expires: ''}), 'waivers.yaml:2:5: key "expires" is missing here [REEVE_KEY_MISSING]'],
  ['without an owner', waiver({owner: ''}), 'waivers.yaml:2:5: key "owner" is missing here [REEVE_KEY_MISSING]'],
  [
    'that ends on a bare date',
    waiver({expires: '2027-03-31'}),
    'waivers.yaml:7:14: "2027-03-31" found, a time with a zone wanted, such as "2027-03-31T00:00:00Z" [REEVE_VALUE_INVALID]',
  ],
  [
    'with an unknown key',
    waiver({until: 'May'}),
    'waivers.yaml:8:5: unknown key "until": known here: id, rule, subject, hosts, reason, owner, approved_by, expires [REEVE_KEY_UNKNOWN]',
  ],
];

for (const [title, text, wanted] of rows) {
  test(`loadWaivers() refuses a waiver ${title}`, t => {
    t.deepEqual(
      loadWaivers('waivers.yaml', text).problems.map(problem => formatProblem(problem).split('\n')[0]),
      [wanted],
    );
  });
}

test('loadWaivers() refuses an id given twice', t => {
  const {problems} = loadWaivers('w.yaml', waiver() + waiver().replace('waivers:\n', ''));
  t.deepEqual(
    problems.map(({line, code}) => [line, code]),
    [[8, 'REEVE_RULE_DUPLICATE']],
  );
});

test('parseTime() takes RFC 3339 with a zone and no day that the month has not', t => {
  t.is(parseTime('2026-11-21T12:00:00+01:00'), Date.UTC(2026, 10, 21, 11));
  for (const text of [
    '2026-11-21',
    '2026-11-21T12:00:00',
    '2026-02-30T00:00:00Z',
    '2026-13-01T00:00:00Z',
    'tomorrow',
    '2026-11-21T25:00:00Z',
  ]) {
    t.is(parseTime(text), null, text);
  }
});
