import type {Static, TObject} from 'typebox';
import type {FactRequest, Facts} from '../facts/index.ts';
import type {Judgement} from '../finding.ts';

/** What judging needs beside facts: both are handed in, so that judging stays pure. */
export type JudgeContext = {
  /** Milliseconds since the epoch, UTC. */
  now: number;
  /** The rule's id, for kinds whose answers are filed under it (attest). */
  rule: string;
};

/**
 * One type of thing that a rule can be about. Pure: it says which facts it wants and judges them.
 *
 * `check` is the part of the rule below the kind's name, parameters filled in, already valid under `schema`.
 */
export type Kind<S extends TObject = TObject> = {
  name: string;
  /** One sentence: what a rule of this kind is about. */
  summary: string;
  /** Closed (`additionalProperties: false`). A property may carry `wanted`, the words for an error message. */
  schema: S;
  /** What the schema cannot say, such as keys that need one another. Each names the key that it is about. */
  problems?(check: Static<S>): Array<{at: string[]; message: string}>;
  /** Whether this check may find nothing to judge; the rule must then say what that means with `none:`. */
  canBeEmpty(check: Static<S>): boolean;
  wants(check: Static<S>, context: {rule: string}): FactRequest[];
  /** One judgement a subject, at least one. Never throws for what it finds on the host. */
  judge(check: Static<S>, facts: Facts, context: JudgeContext): Judgement[];
  /**
   * The check with one expectation turned into its opposite or into something impossible, once for every
   * expectation. The mutation test demands that a case of the rule notices each.
   */
  flips(check: Static<S>): Array<{what: string; check: Static<S>}>;
  /** How it is looked at, for `reeve explain`: sentences that name the files, without the verdict. */
  looks(check: Static<S>): string;
  /** What should be, for `reeve explain` and docs: one line. */
  wanted(check: Static<S>): string;
};

/** Keeps a kind's own types while it is written, and forgets them for the table of kinds. */
export function defineKind<S extends TObject>(kind: Kind<S>): Kind {
  return kind as unknown as Kind;
}
