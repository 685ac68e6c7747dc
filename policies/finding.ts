import type {Json} from './json.ts';

/** `unknown`: we could not look. `error`: looking or judging itself failed, a bug or a broken rule. */
export const verdicts = ['pass', 'fail', 'waived', 'not-applicable', 'unknown', 'error'] as const;
export type Verdict = (typeof verdicts)[number];

/** From the least to the most severe. */
export const severities = ['info', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof severities)[number];

/**
 * What a verdict speaks of: `runtime` the running kernel or process, `persistent` what the next boot or start will
 * read, `effective` both, or what the program that uses the value would decide.
 */
export type Scope = 'runtime' | 'persistent' | 'effective';

/** One named thing that a check compared. `expected` and `actual` are short and in the reader's words. */
export type Comparison = {what: string; expected: Json; actual: Json; ok: boolean};

/** What a kind says of one subject, before the engine adds the rule, waivers, time and cost. */
export type Judgement = {subject: string} & (
  | {verdict: 'pass' | 'fail'; compared: Comparison[]; where: string[]; scope: Scope; cure?: string}
  | {verdict: 'not-applicable' | 'unknown'; reason: string}
  /** The set that the rule speaks of is empty; the engine puts the rule's `none:` verdict in its place. */
  | {verdict: 'none'; reason: string}
);

/** Who accepted a failing finding, and until when. */
export type WaiverNote = {id: string; owner: string; approvedBy: string; reason: string; expires: string};

/** One rule's verdict on one subject. `expected` and `actual` have the same keys; `wrong` names those that differ. */
export type Finding = {
  rule: string;
  pack: string;
  severity: Severity;
  subject: string;
  observedAt: string;
  costMs: number;
} & (
  | {
      verdict: 'pass' | 'fail' | 'waived';
      expected: {[what: string]: Json};
      actual: {[what: string]: Json};
      wrong: string[];
      where: string[];
      scope: Scope;
      cure?: string;
      waiver?: WaiverNote;
    }
  | {verdict: 'not-applicable' | 'unknown'; reason: string}
  | {verdict: 'error'; error: {code: string; message: string}}
);

/**
 * Joins comparisons to one judgement: it fails when any comparison is wrong.
 * A kind that compared nothing has a bug, so an empty list is refused.
 */
export function judged(
  subject: string,
  compared: Comparison[],
  evidence: {where: string[]; scope: Scope; cure?: string | undefined},
): Judgement {
  if (compared.length === 0) throw new Error(`nothing was compared for "${subject}"`);
  const {where, scope, cure} = evidence;
  if (compared.every(comparison => comparison.ok)) return {subject, verdict: 'pass', compared, where, scope};
  return {subject, verdict: 'fail', compared, where, scope, ...(cure === undefined ? {} : {cure})};
}
