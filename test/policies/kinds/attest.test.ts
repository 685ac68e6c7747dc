import test from 'ava';
import {checkHost} from '../../../agent/check.ts';
import {collectAttestations} from '../../../agent/host/facts/attestations.ts';
import {HostTables} from '../../../agent/host/facts/tables.ts';
import type {Fixture} from '../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../agent/host/memory/host.ts';
import type {Finding} from '../../../policies/finding.ts';
import {attestKind} from '../../../policies/kinds/attest.ts';
import {loadAttestations} from '../../../policies/load/attestations.ts';
import {ruleOf} from '../../helpers/rule.ts';

const check = {
  statement: 'Backups were restored on another machine.',
  role: 'the operations lead',
  valid_days_at_most: 90,
};
const right = {
  rule: 'demo.attest',
  by: 'Ada Lovelace',
  at: '2026-11-01T09:00:00Z',
  expires: '2027-01-01T00:00:00+01:00',
};
const path = '/etc/reeve/policies.d/attestations.yaml';

async function judge(fixture: Fixture, wanted: object = check): Promise<Finding> {
  const [finding] = await checkHost(memoryHost(fixture), [ruleOf('attest', wanted, null)]);
  if (finding === undefined) throw new Error('no finding');
  return finding;
}

const rows: Array<[title: string, fixture: Fixture, verdict: Finding['verdict'], like?: object]> = [
  [
    'a confirmation that holds',
    {attestations: [right]},
    'pass',
    {actual: {confirmed: 'by Ada Lovelace at 2026-11-01T09:00:00Z', 'holds for': '61 days'}, where: [`${path}:1`]},
  ],
  ['an expired one', {attestations: [right], now: '2027-01-01T00:00:00Z'}, 'fail', {wrong: ['expires']}],
  [
    'one that holds too long',
    {attestations: [{...right, expires: '2027-03-01T00:00:00Z'}]},
    'fail',
    {wrong: ['holds for']},
  ],
  ['one from the future', {attestations: [{...right, at: '2026-12-01T00:00:00Z'}]}, 'fail', {wrong: ['confirmed']}],
  [
    'the latest of several',
    {attestations: [{...right, expires: '2026-11-02T00:00:00Z', at: '2026-10-01T00:00:00Z'}, right]},
    'pass',
  ],
  ['one for another rule', {attestations: [{...right, rule: 'demo.other'}]}, 'unknown'],
  [
    'one for another host',
    {attestations: [{...right, host: 'db1'}], files: {'/proc/sys/kernel/hostname': 'web1\n'}},
    'unknown',
  ],
  ['one for this host', {attestations: [{...right, host: 'web1'}], files: {'/etc/hostname': 'web1\n'}}, 'pass'],
  ['no file', {}, 'unknown'],
  ['a file that may not be read', {files: {[path]: {read_error: 'EACCES'}}}, 'unknown'],
  [
    'a file of somebody else',
    {files: {[path]: {uid: 1000, content: 'attestations: []\n'}}},
    'unknown',
    {reason: `cannot load "${path}": owner is uid 1000, must be 0`},
  ],
  ['a file that a group may write', {files: {[path]: {mode: '0664', content: 'attestations: []\n'}}}, 'unknown'],
  [
    'a directory that others may write',
    {attestations: [right], files: {'/etc/reeve/policies.d/': {mode: '0777'}}},
    'unknown',
  ],
  ['a file with an error', {files: {[path]: 'attestations:\n  - {rule: demo.attest, by: Ada}\n'}}, 'unknown'],
  ['a file that is too large', {files: {[path]: `# ${'x'.repeat(1024 * 1024)}`}}, 'unknown'],
];
for (const [title, fixture, verdict, like] of rows) {
  test(`attest: ${title}`, async t => {
    const finding = await judge(fixture);
    t.like(finding, {verdict, ...like}, JSON.stringify(finding));
    if (verdict !== 'pass') return;
    for (const flip of attestKind.flips(check)) {
      const [turned] = await checkHost(memoryHost(fixture), [
        {...ruleOf('attest', check, null), check: {kind: attestKind, check: flip.check as never}},
      ]);
      t.is(turned?.verdict, 'fail', flip.what);
    }
  });
}

test('attest: says how to confirm, with an entry that would do', async t => {
  const finding = await judge({});
  if (finding.verdict !== 'unknown') return t.fail();
  t.regex(finding.reason, /once the operations lead has made sure, add to "attestations:" in \/etc\/reeve/);
  const entry = /- (\{.*\})/.exec(finding.reason)?.[1] ?? '';
  const loaded = loadAttestations('a', `attestations:\n  - ${entry}\n`);
  t.is(loaded.value?.length, 1);
  t.like(loaded.value?.[0], {rule: 'demo.attest', at: '2026-11-21T12:00:00Z', expires: '2027-02-19T12:00:00Z'});
});

test('collectAttestations() asks the machine that runs reeve, not the image', async t => {
  const site = {program: memoryHost({attestations: [right]}), directory: '/etc/reeve/policies.d'};
  const host = memoryHost({as: 'image', attestations: [{...right, by: 'the image'}]});
  const [answer] = await collectAttestations([{}], {host, tables: new HostTables(host), site});
  t.deepEqual(answer?.state === 'seen' && answer.value.attestations.map(({by}) => by), ['Ada Lovelace']);
});

const refused: Array<[title: string, text: string, problems: string[]]> = [
  [
    'an unknown key',
    'attestations:\n  - {rule: a, by: b, at: "2026-11-01T09:00:00Z", expires: "2026-12-01T09:00:00Z", who: x}\n',
    ['2:83 REEVE_KEY_UNKNOWN'],
  ],
  [
    'times without a zone, both at once',
    'attestations:\n  - rule: a\n    by: b\n    at: "2026-11-01"\n    expires: "2026-12-01T09:00:00"\n',
    ['4:9 REEVE_VALUE_INVALID', '5:14 REEVE_VALUE_INVALID'],
  ],
  [
    'an end before the beginning',
    'attestations:\n  - {rule: a, by: b, at: "2026-11-01T09:00:00Z", expires: "2026-10-01T09:00:00Z"}\n',
    ['2:59 REEVE_VALUE_INVALID'],
  ],
  [
    'a missing name',
    'attestations:\n  - {rule: a, at: "2026-11-01T09:00:00Z", expires: "2026-12-01T09:00:00Z"}\n',
    ['2:5 REEVE_KEY_MISSING'],
  ],
  ['something else than a list', 'attestations: {}\n', ['1:15 REEVE_VALUE_INVALID']],
  ['an anchor', 'attestations: &a []\n', ['1:18 REEVE_YAML_FEATURE']],
];
for (const [title, text, problems] of refused) {
  test(`loadAttestations() refuses ${title}`, t => {
    t.deepEqual(
      loadAttestations('attestations.yaml', text).problems.map(({line, column, code}) => `${line}:${column} ${code}`),
      problems,
    );
  });
}
