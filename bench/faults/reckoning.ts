import type {WireFinding} from '../../controller/protocol/batch.ts';
import type {Position} from '../../controller/protocol/messages.ts';

/** One change as the controller keeps it: of its `ChangeInfo`, what is held against the truth. */
export type KeptChange = {
  epoch: number;
  n: number;
  rule: string;
  subject: string;
  before: string | null;
  after: string | null;
  finding: WireFinding | null;
};

/** What was there once everything was quiet. */
export type Evidence = {
  /** Path to each mode that it had, in order. */
  history: ReadonlyMap<string, readonly string[]>;
  /** Path to its mode on disk. */
  disk: ReadonlyMap<string, string>;
  agent: {at: Position; findings: readonly WireFinding[]};
  controller: {at: Position | null; findings: readonly WireFinding[]; changes: readonly KeptChange[]};
};

export type Reckoning = {
  /** Steps that the agent numbered in its stream. */
  numbered: number;
  /** Numbers that the controller has no word of. */
  lost: number;
  /** Changes kept twice: under one number, or saying again what the one before said. */
  doubled: number;
  /** Changes of a file in an order, or to a mode, that never was; and verdicts that do not follow on the one before. */
  misplaced: number;
  /** Findings that differ between agent and controller, or from the disk. */
  different: number;
  /** One line each, for whoever looks into it. */
  problems: string[];
};

/** Holds what agent and controller have against each other and against what was done. All but `numbered` must be 0. */
export function reckon({history, disk, agent, controller}: Evidence): Reckoning {
  const problems: string[] = [];
  const count = (found: string[]) => {
    problems.push(...found);
    return found.length;
  };
  const reached = controller.at?.epoch === agent.at.epoch ? controller.at.n : 0;
  const lost = Math.max(0, agent.at.n - reached);
  if (lost > 0) problems.push(`lost: numbers ${reached + 1} to ${agent.at.n} of epoch ${agent.at.epoch}`);
  return {
    numbered: agent.at.n,
    lost,
    doubled: count(doubles(controller.changes)),
    misplaced: count(misplacements(controller.changes, history)),
    different: count([...differences(agent.findings, controller.findings), ...untruths(agent.findings, disk)]),
    problems,
  };
}

const inOrder = (changes: readonly KeptChange[]) => changes.toSorted((a, b) => a.epoch - b.epoch || a.n - b.n);

function doubles(changes: readonly KeptChange[]): string[] {
  const last = new Map<string, string>();
  const numbers = new Set<string>();
  return inOrder(changes).flatMap(change => {
    // One step may end several findings, so the number alone does not tell.
    const key = keyOf(change);
    const number = `${change.epoch}/${change.n} of ${key}`;
    const text = JSON.stringify(change.finding);
    const twice = numbers.has(number) || last.get(key) === text;
    numbers.add(number);
    last.set(key, text);
    return twice ? [`doubled: ${number}`] : [];
  });
}

function misplacements(changes: readonly KeptChange[], history: Evidence['history']): string[] {
  const byFinding = Map.groupBy(inOrder(changes), keyOf);
  return [...byFinding].flatMap(([key, kept]) => {
    const modes = history.get(kept[0]?.subject ?? '');
    // A finding of reeve itself, not of a file.
    if (modes === undefined) return [];
    let at = 0;
    let verdict: string | null = null;
    return kept.flatMap(({epoch, n, before, after, finding}) => {
      const follows = before === verdict;
      verdict = after;
      const mode = finding?.actual?.mode;
      const found = mode === undefined ? at : modes.indexOf(mode as string, at);
      if (found >= 0) at = found;
      return follows && found >= 0 ? [] : [`misplaced: ${epoch}/${n} of ${key}: ${before} to ${after} ${mode ?? ''}`];
    });
  });
}

const keyOf = ({rule, subject}: {rule: string; subject: string}) => `${rule} ${subject}`;

function differences(agent: readonly WireFinding[], controller: readonly WireFinding[]): string[] {
  const kept = new Map(controller.map(finding => [keyOf(finding), JSON.stringify(finding)]));
  const wrong = agent.flatMap(finding => {
    const other = kept.get(keyOf(finding));
    kept.delete(keyOf(finding));
    return other === JSON.stringify(finding)
      ? []
      : [`different: agent ${JSON.stringify(finding)}, controller ${other ?? 'nothing'}`];
  });
  return [...wrong, ...[...kept].map(([key, text]) => `different: agent nothing of ${key}, controller ${text}`)];
}

function untruths(agent: readonly WireFinding[], disk: Evidence['disk']): string[] {
  const modes = new Map(agent.map(({subject, actual}) => [subject, actual?.mode]));
  return [...disk].flatMap(([path, mode]) =>
    modes.get(path) === mode ? [] : [`different: ${path} is ${mode}, agent says ${modes.get(path) ?? 'nothing'}`],
  );
}
