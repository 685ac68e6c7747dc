import {type Finding, type Verdict, verdicts} from './finding.ts';

/** From the verdict that outweighs all others to the one that any other outweighs. */
const weight: readonly Verdict[] = ['error', 'fail', 'unknown', 'waived', 'pass', 'not-applicable'];

/** One verdict for several findings, as of one rule's: the heaviest. Null for none. */
export function heaviest(findings: readonly Finding[]): Verdict | null {
  return weight.find(verdict => findings.some(finding => finding.verdict === verdict)) ?? null;
}

export type Counts = {[verdict in Verdict]: number};

/** How many rules came to each verdict; a rule with several findings counts once, with its heaviest. */
export function countRules(findings: readonly Finding[]): Counts {
  const counts = Object.fromEntries(verdicts.map(verdict => [verdict, 0])) as Counts;
  for (const group of Map.groupBy(findings, ({pack, rule}) => `${pack}\0${rule}`).values()) {
    const verdict = heaviest(group);
    if (verdict !== null) counts[verdict]++;
  }
  return counts;
}
