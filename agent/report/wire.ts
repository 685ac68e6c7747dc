import type {WireFinding} from '../../controller/protocol/batch.ts';
import type {Finding} from '../../policies/finding.ts';
import type {Json} from '../../policies/json.ts';

/** A finding that came over a socket, as the outputs here render it. What it cost to look is not sent. */
export function fromWire(finding: WireFinding, observedAt: string): Finding {
  const {rule, pack, severity, subject} = finding;
  const common = {rule, pack, severity, subject, observedAt, costMs: 0};
  switch (finding.verdict) {
    case 'error':
      return {...common, verdict: finding.verdict, error: finding.error ?? {code: '', message: ''}};
    case 'unknown':
    case 'not-applicable':
      return {...common, verdict: finding.verdict, reason: reasonOf(finding)};
    default:
      return {
        ...common,
        verdict: finding.verdict,
        expected: (finding.expected ?? {}) as {[what: string]: Json},
        actual: (finding.actual ?? {}) as {[what: string]: Json},
        wrong: finding.wrong ?? [],
        where: finding.where ?? [],
        scope: finding.scope ?? 'effective',
        ...(finding.cure === undefined ? {} : {cure: finding.cure}),
        ...(finding.waiver === undefined ? {} : {waiver: finding.waiver}),
      };
  }
}

function reasonOf({reason = '', last}: WireFinding): string {
  return last === undefined ? reason : `${reason}; it was last seen as ${last.verdict} at ${last.observedAt}`;
}
