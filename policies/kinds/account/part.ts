import type {Comparison, Judgement} from '../../finding.ts';

/**
 * What one group of keys says: failures and unknowns one by one, or what held for all, or that there was nobody to
 * judge. The kind joins the parts to its judgements.
 */
export type Part = {against: Judgement[]; held: {compared: Comparison[]; where: string[]} | null; none: string | null};

export const heldPart = (compared: Comparison[], where: string[]): Part => ({
  against: [],
  held: {compared, where},
  none: null,
});
export const nonePart = (reason: string): Part => ({against: [], held: null, none: reason});
export const againstPart = (against: Judgement[]): Part => ({against, held: null, none: null});

/** Unknowns with one reason are one judgement: an unreadable shadow(5) is not a finding for each user. */
export function groupUnknowns(unknowns: Array<{subject: string; reason: string}>): Judgement[] {
  const byReason = Map.groupBy(unknowns, ({reason}) => reason);
  return [...byReason].map(([reason, users]) => {
    const first = (users[0] as {subject: string}).subject;
    return {subject: users.length === 1 ? first : `${first} and ${users.length - 1} more`, verdict: 'unknown', reason};
  });
}
