import type {Finding} from '../../../policies/finding.ts';
import type {CheckerEvent, CheckerJob, KnownRule, RefusedSite, WaiversEvent} from '../../checker/messages.ts';
import {type Ending, type Looking, type RunningChecker, startChecker} from './child.ts';
import type {Clocks} from './clocks.ts';

/** What one round of judging may take, however much of it hangs. */
export const roundLimits = {
  /** Checkers, beside the first. */
  restarts: 20,
  totalMs: 60 * 60_000,
  /** From the start of a checker to its first look. */
  startMs: 30_000,
};

export type JudgedRules = {
  findings: Finding[];
  /** Rules that were not judged to the end, and why. */
  killed: Map<string, string>;
  /** Those of `killed` that were not over their budget: soon all may be well with them. */
  again: Set<string>;
  /** The state of each waiver; `unknown` where it hangs on a rule that was not judged. Null when no checker came to say. */
  waivers: Map<string, WaiversEvent['waivers'][number]['own']> | null;
  /** The bundle could not be used, so nothing was judged. */
  refused: RefusedSite | null;
  /** The agent ends: what is here is not all. */
  stopped: boolean;
};

type Part = {rules: string[]; apart: boolean};

/**
 * Judges rules in checkers. When one is overdue or dies, the rules that it was at are judged anew one by one, to find
 * which of them it was, and the others in a checker of their own. A rule whose checker died is given up when that happens
 * again.
 */
export class Round {
  readonly #program: string;
  readonly #bundle: string;
  readonly #clocks: Clocks;
  readonly #limits: typeof roundLimits;
  readonly #rules: ReadonlyMap<string, KnownRule>;
  readonly #judged: JudgedRules = {
    findings: [],
    killed: new Map(),
    again: new Set(),
    waivers: null,
    refused: null,
    stopped: false,
  };
  /** Rules that a checker was at, or may have been at, when it died. */
  readonly #died = new Set<string>();
  #running: RunningChecker | null = null;

  constructor(
    rules: KnownRule[],
    {program, bundle, clocks, limits}: {program: string; bundle: string; clocks: Clocks; limits: typeof roundLimits},
  ) {
    this.#program = program;
    this.#bundle = bundle;
    this.#clocks = clocks;
    this.#limits = limits;
    this.#rules = new Map(rules.map(rule => [rule.id, rule]));
  }

  /** Never rejects: what could not be judged is in `killed`. */
  async judge(): Promise<JudgedRules> {
    const parts: Part[] = [{rules: [...this.#rules.keys()], apart: false}];
    const deadline = this.#clocks.monotonic() + this.#limits.totalMs;
    for (let started = 0; parts.length > 0; started++) {
      const part = parts.shift() as Part;
      const left = deadline - this.#clocks.monotonic();
      if (started > this.#limits.restarts || left <= 0) {
        this.#give(part.rules, 'was not looked at: too much else in the same round took too long or died', true);
        continue;
      }
      parts.unshift(...(await this.#run(part, left)));
      if (this.#judged.refused !== null || this.#judged.stopped) break;
    }
    return this.#judged;
  }

  stop(): void {
    this.#judged.stopped = true;
    this.#running?.stop();
  }

  /** Judges a part in one checker, and gives the parts that remain. */
  async #run({rules, apart}: Part, leftMs: number): Promise<Part[]> {
    const open = new Set(rules);
    let judging: string | null = null;
    const found = new Map<string, Finding[]>();
    const settle = () => {
      if (judging === null) return;
      this.#judged.findings.push(...(found.get(judging) ?? []));
      found.clear();
      open.delete(judging);
      judging = null;
    };
    const onEvent = (event: CheckerEvent) => {
      if (event.event === 'finding') {
        const {rule} = event.finding;
        found.set(rule, [...(found.get(rule) ?? []), event.finding]);
        return;
      }
      settle();
      if (event.event === 'looking' && event.what === 'judging') judging = event.rules[0] ?? null;
      if (event.event === 'waivers') this.#takeWaivers(event);
      if (event.event === 'refused') this.#judged.refused = event;
    };
    const job: CheckerJob = {job: 'check', bundle: this.#bundle, packs: null, rules, apart};
    const budgetMs = (looking: Looking | null) => Math.min(leftMs, this.#budgetMs(looking));
    this.#running = startChecker(job, {program: this.#program, clocks: this.#clocks, budgetMs, onEvent});
    const ending = await this.#running.ended;
    this.#running = null;
    if (ending.how === 'stopped') this.#judged.stopped = true;
    if (this.#judged.stopped || this.#judged.refused !== null) return [];
    return open.size === 0 ? [] : this.#afterwards([...open], apart, ending);
  }

  /** What to do about the rules that a checker left open. */
  #afterwards(open: string[], apart: boolean, ending: Ending): Part[] {
    const looking = ending.how === 'overdue' || ending.how === 'died' ? ending.looking : null;
    const named = open.filter(rule => looking === null || looking.rules.includes(rule));
    const suspects = named.length === 0 ? open : named;
    const rest = open.filter(rule => !suspects.includes(rule));
    const isFound = named.length === 0 || suspects.length === 1 || (apart && looking === null);
    const isGiven = isFound && (ending.how !== 'died' || suspects.every(rule => this.#died.has(rule)));
    if (ending.how === 'died') for (const rule of suspects) this.#died.add(rule);
    if (isGiven) this.#give(suspects, reasonOf(ending), ending.how !== 'overdue');
    const parts: Part[] = [];
    if (rest.length > 0) parts.push({rules: rest, apart});
    if (!isGiven) parts.push({rules: suspects, apart: true});
    return parts;
  }

  #give(rules: string[], reason: string, again: boolean): void {
    for (const rule of rules) {
      this.#judged.killed.set(rule, reason);
      if (again) this.#judged.again.add(rule);
    }
  }

  #budgetMs(looking: Looking | null): number {
    if (looking === null) return this.#limits.startMs;
    const budgets = looking.rules.map(id => this.#rules.get(id)?.budgetMs ?? 0);
    return budgets.reduce((most, budget) => Math.max(most, budget), 0) || this.#limits.startMs;
  }

  #takeWaivers({waivers}: WaiversEvent): void {
    const known = this.#judged.waivers;
    const own = (id: string, state: WaiversEvent['waivers'][number]['own']) =>
      state === 'unknown' ? (known?.get(id) ?? state) : state;
    this.#judged.waivers = new Map(waivers.map(waiver => [waiver.id, own(waiver.id, waiver.own)]));
  }
}

function reasonOf(ending: Ending): string {
  if (ending.how === 'overdue') {
    const what = ending.looking === null ? 'starting the checker' : phrase(ending.looking.what);
    return `${what} took longer than ${ending.budgetMs / 1000} s and was ended`;
  }
  if (ending.how !== 'died') return 'the checker ended before it was judged';
  return ending.looking === null ? ending.reason : `${ending.reason} while ${phrase(ending.looking.what)}`;
}

const phrase = (what: string): string => (what === 'judging' ? 'judging' : `looking at ${what}`);
