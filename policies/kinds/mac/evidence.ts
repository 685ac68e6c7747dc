import type {Answer} from '../../facts/answer.ts';
import {type Comparison, type Judgement, judged, type Scope} from '../../finding.ts';

/**
 * Gathers what one judgement compares, what could not be seen, and the cures. A wrong comparison outweighs what could
 * not be seen; what could not be seen outweighs what was right.
 */
export class Evidence {
  readonly #subject: string;
  readonly #compared: Comparison[] = [];
  readonly #where = new Set<string>();
  readonly #open: string[] = [];
  readonly #cures = new Set<string>();

  constructor(subject: string) {
    this.#subject = subject;
  }

  compare(
    what: string,
    expected: Comparison['expected'],
    actual: Comparison['actual'],
    ok: boolean,
    evidence: {where?: readonly string[]; cure?: string | undefined} = {},
  ): void {
    this.#compared.push({what, expected, actual, ok});
    for (const place of evidence.where ?? []) this.#where.add(place);
    if (!ok && evidence.cure !== undefined) this.#cures.add(evidence.cure);
  }

  open(reason: string): void {
    this.#open.push(reason);
  }

  /** The value of an answer; null, with the reason kept, when there is none. */
  value<T>(answer: Answer<T>): T | null {
    if (answer.state === 'seen') return answer.value;
    this.#open.push(answer.reason);
    return null;
  }

  judgement(scope: Scope): Judgement {
    const failed = this.#compared.some(({ok}) => !ok);
    if (this.#open.length > 0 && !failed)
      return {subject: this.#subject, verdict: 'unknown', reason: [...new Set(this.#open)].join('; ')};
    return judged(this.#subject, this.#compared, {
      where: [...this.#where],
      scope,
      cure: this.#cures.size > 0 ? [...this.#cures].join('; ') : undefined,
    });
  }
}

export const noSubject = (subject: string, reason: string): Judgement => ({subject, verdict: 'none', reason});
export const liveSubject = (subject: string, reason: string): Judgement => ({
  subject,
  verdict: 'not-applicable',
  reason,
});

/** The scope of a judgement that speaks of these parts. */
export const scopeOf = (runtime: boolean, persistent: boolean): Scope =>
  runtime && persistent ? 'effective' : runtime ? 'runtime' : 'persistent';

/** `none`, or at most 20 names and how many more. */
export function nameList(names: readonly string[]): string | string[] {
  if (names.length === 0) return 'none';
  return names.length <= 20 ? [...names] : [...names.slice(0, 20), `and ${names.length - 20} more`];
}
