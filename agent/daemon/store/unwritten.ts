import type {CheckRound} from '../contracts.ts';

/** A round that waits to be written; `packs` with when and how long, since merged rounds differ in that. */
export type PendingRound = Pick<CheckRound, 'rules' | 'findings' | 'killed' | 'observedAt'> & {
  packs: Map<string, {at: string; durationMs: number}>;
};

const maxPending = 8;

export const pendingRound = ({packs, observedAt, durationMs, ...round}: CheckRound): PendingRound => ({
  ...round,
  observedAt,
  packs: new Map(packs.map(name => [name, {at: observedAt, durationMs}])),
});

/**
 * The rounds that could not be written yet, the oldest first. When there are too many, the two oldest become one: what the
 * later one found of a rule takes the place of what the earlier one did.
 */
export function addPending(pending: PendingRound[], round: PendingRound): void {
  pending.push(round);
  while (pending.length > maxPending) {
    const [first, second] = pending.splice(0, 2) as [PendingRound, PendingRound];
    pending.unshift(merged(first, second));
  }
}

function merged(earlier: PendingRound, later: PendingRound): PendingRound {
  const anew = new Set([...later.rules, ...later.killed.keys(), ...later.findings.map(({rule}) => rule)]);
  return {
    rules: [...new Set([...earlier.rules, ...later.rules])],
    findings: [...earlier.findings.filter(({rule}) => !anew.has(rule)), ...later.findings],
    killed: new Map([...[...earlier.killed].filter(([rule]) => !anew.has(rule)), ...later.killed]),
    observedAt: later.observedAt,
    packs: new Map([...earlier.packs, ...later.packs]),
  };
}
