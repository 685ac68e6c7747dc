import test from 'ava';
import type {Waiver} from '../../policies/load/waivers.ts';
import {applyWaivers} from '../../policies/waive.ts';
import {failing} from '../helpers/finding.ts';

const now = Date.UTC(2026, 10, 21);
const context = {now, hostname: 'web1', known: new Set(['files.shadow']), checked: new Set(['files.shadow'])};

function waiver(changes: Partial<Waiver> = {}): Waiver {
  return {
    id: 'W-1',
    rule: 'files.shadow',
    subject: null,
    hosts: null,
    reason: 'agreed with the vendor',
    owner: 'ops',
    approvedBy: 'ciso',
    expires: '2027-01-01T00:00:00Z',
    expiresMs: Date.UTC(2027, 0, 1),
    where: 'waivers.yaml:2',
    ...changes,
  };
}

const findings = [failing('files.shadow', '/etc/shadow'), failing('files.shadow', '/srv/a/shadow')];

/** Each row: the waiver, the subjects that it waives, what becomes of it. */
const rows: Array<[string, Waiver, string[], string]> = [
  ['for a rule waives every subject', waiver(), ['/etc/shadow', '/srv/a/shadow'], 'used'],
  ['for a subject waives that alone', waiver({subject: '/etc/shadow'}), ['/etc/shadow'], 'used'],
  ['for a pattern waives what it matches', waiver({subject: '/srv/*/shadow'}), ['/srv/a/shadow'], 'used'],
  ['for a part of a subject waives nothing', waiver({subject: '/etc'}), [], 'orphaned'],
  ['that has ended waives nothing', waiver({expiresMs: now}), [], 'expired'],
  ['for another host waives nothing', waiver({hosts: ['web2']}), [], 'elsewhere'],
  ['for a rule that nobody loaded waives nothing', waiver({rule: 'files.gone'}), [], 'orphaned'],
];

for (const [title, given, subjects, state] of rows) {
  test(`applyWaivers() with a waiver ${title}`, t => {
    const result = applyWaivers(findings, [given], context);
    t.deepEqual(
      result.findings.filter(({verdict}) => verdict === 'waived').map(({subject}) => subject),
      subjects,
    );
    t.deepEqual(
      result.statuses.map(status => status.state),
      [state as never],
    );
    const own = result.findings.filter(({pack}) => pack === 'reeve').map(({rule}) => rule);
    t.deepEqual(own, state === 'expired' || state === 'orphaned' ? [`reeve.waiver-${state}`] : []);
  });
}

test('applyWaivers() keeps what was found, and says who accepted it', t => {
  const [finding] = applyWaivers(findings, [waiver()], context).findings;
  t.like(finding, {verdict: 'waived', actual: {mode: '0644'}, waiver: {id: 'W-1', approvedBy: 'ciso'}});
});

test('applyWaivers() calls no waiver orphaned for a rule of a pack that was not loaded', t => {
  const [status] = applyWaivers(findings, [waiver({rule: 'other.rule'})], {...context, known: null}).statuses;
  t.is(status?.state, 'not-checked');
});

test('applyWaivers() calls a waiver idle when its rule passes now', t => {
  const passing = [failing('files.shadow', '/etc/shadow', {verdict: 'pass', wrong: []})];
  t.is(applyWaivers(passing, [waiver()], context).statuses[0]?.state, 'idle');
});
