import type {Finding} from '../../policies/finding.ts';

/** A failing finding with the fields that a test does not care about filled in. */
export function failing(
  rule: string,
  subject: string,
  changes: Partial<Extract<Finding, {verdict: 'fail' | 'pass' | 'waived'}>> = {},
): Finding {
  return {
    rule,
    pack: 'demo',
    severity: 'high',
    subject,
    observedAt: '2026-11-21T12:00:00.000Z',
    costMs: 1,
    verdict: 'fail',
    expected: {mode: 'at most 0640'},
    actual: {mode: '0644'},
    wrong: ['mode'],
    where: [subject],
    scope: 'persistent',
    cure: `chmod o-r ${subject}`,
    ...changes,
  };
}
