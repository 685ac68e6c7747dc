import type {Log} from '../../../controller/protocol/log.ts';
import type {Problem} from '../../../policies/load/problem.ts';
import type {KnownRule, LoadedSite, RefusedSite} from '../../checker/messages.ts';
import {type ErrorCode, errorCodes, ReeveError} from '../../errors.ts';
import {checkerPath} from '../../home.ts';
import {counted} from '../../report/text.ts';
import type {CheckRound, Checks, ChecksListener} from '../contracts.ts';
import {Again} from './again.ts';
import {type Clocks, systemClocks} from './clocks.ts';
import {Gate, type Rate} from './gate.ts';
import {Loader, type Loading} from './loader.ts';
import {type JudgedRules, Round, roundLimits} from './round.ts';
import {Schedule} from './schedule.ts';
import {WaiverFindings, waiverRules} from './waiver-findings.ts';
import {Watcher} from './watcher.ts';

export type ChecksOptions = {
  /** agent.yaml, or null for the usual place. */
  configPath: string | null;
  /** Where the site bundle is kept: nobody else may write there. */
  stateDir: string;
  /** Any text that is this host's own and stays, for the splay. */
  hostId: string;
  log: Log;
  /** The rest is for tests. */
  program?: string;
  clocks?: Clocks;
  limits?: Partial<ChecksLimits>;
};

export type ChecksLimits = typeof roundLimits & {
  /** For loading a site. */
  loadMs: number;
  /** Directories that are watched at most. */
  maxDirectories: number;
  /** How often changes make one rule be judged, and how often all together. */
  eachRule: Rate;
  allRules: Rate;
  /** First waits until a site is loaded again whose loading did not end well, and one that could not be read whole. */
  failedLoadMs: number;
  unreadSiteMs: number;
  /** First wait until a rule is judged again whose checker died. */
  diedRuleMs: number;
};

const defaultLimits: ChecksLimits = {
  ...roundLimits,
  loadMs: 120_000,
  maxDirectories: 2048,
  eachRule: {burst: 4, everyMs: 30_000},
  allRules: {burst: 20, everyMs: 3000},
  failedLoadMs: 1000,
  unreadSiteMs: 60_000,
  diedRuleMs: 60_000,
};
const longestLoadWaitMs = 5 * 60_000;
const longestRuleWaitMs = 60 * 60_000;

/** Stands for the site among the rules whose paths changed. */
const siteKey = '';

type Request = {packs: Set<string>; rules: Set<string>; all: boolean; waiting: Array<PromiseWithResolvers<void>>};

const emptyRequest = (): Request => ({packs: new Set(), rules: new Set(), all: false, waiting: []});

/** The daemon's `Checks`: judges in checkers, by schedule and on change. */
export function startChecks(options: ChecksOptions, listener: ChecksListener): Checks {
  return new SiteChecks(options, listener);
}

class SiteChecks implements Checks {
  readonly #listener: ChecksListener;
  readonly #log: Log;
  readonly #clocks: Clocks;
  readonly #limits: ChecksLimits;
  readonly #program: string;
  readonly #bundle: string;
  readonly #loader: Loader;
  readonly #schedule: Schedule;
  readonly #watcher: Watcher;
  readonly #gate: Gate;
  readonly #loadAgain: Again;
  readonly #judgeAgain: Again;

  #site: LoadedSite | null = null;
  #refused: RefusedSite | null = null;
  /** Path → the rules that it matters to, `siteKey` among them. */
  #watched = new Map<string, string[]>();
  readonly #waiverFindings = new WaiverFindings();

  #request = emptyRequest();
  /** `again`: nobody asked for it, so it is said only when something else comes of it. */
  #mustLoad: 'asked' | 'again' | null = null;
  #stopped = false;
  #working: Promise<void> | null = null;
  #doing: string | null = null;
  #round: Round | null = null;
  #saidOfWatching: string | null = null;

  constructor(options: ChecksOptions, listener: ChecksListener) {
    this.#listener = listener;
    this.#log = options.log;
    this.#clocks = options.clocks ?? systemClocks;
    this.#limits = {...defaultLimits, ...options.limits};
    this.#program = options.program ?? checkerPath;
    this.#bundle = `${options.stateDir}/site-bundle.json`;
    this.#loader = new Loader({
      program: this.#program,
      config: options.configPath,
      bundle: this.#bundle,
      clocks: this.#clocks,
      budgetMs: this.#limits.loadMs,
    });
    this.#schedule = new Schedule(options.hostId, this.#clocks, packs => this.#onDue(packs));
    this.#gate = new Gate(this.#clocks, {each: this.#limits.eachRule, all: this.#limits.allRules}, keys =>
      this.#onChange(keys),
    );
    this.#loadAgain = new Again(this.#clocks, longestLoadWaitMs, () => this.#onLoadAgain());
    this.#judgeAgain = new Again(this.#clocks, longestRuleWaitMs, rules => this.#onChange(rules));
    this.#watcher = new Watcher({
      clocks: this.#clocks,
      maxDirectories: this.#limits.maxDirectories,
      onChange: paths => this.#gate.push(new Set(paths.flatMap(path => this.#watched.get(path) ?? []))),
    });
  }

  async start(): Promise<void> {
    await this.#load('asked');
    if (this.#site !== null) return this.#work();
    if (this.#stopped) throw ended();
    const {code, message, problems} = this.#refused as RefusedSite;
    const known = errorCodes.includes(code as ErrorCode) ? (code as ErrorCode) : 'REEVE_BUG';
    throw new ReeveError(known, message, {problems: problems as Problem[]});
  }

  async checkNow(packs: string[] | null): Promise<void> {
    if (this.#stopped) throw ended();
    if (this.#site === null)
      throw new ReeveError(
        'REEVE_CONFIG_INVALID',
        `nothing can be judged: ${this.#refused?.message ?? 'not loaded yet'}`,
      );
    const known = this.#site.packs.map(({name}) => name);
    const unknown = packs?.find(name => !known.includes(name));
    if (unknown !== undefined)
      throw new ReeveError('REEVE_RULE_UNKNOWN', `there is no pack "${unknown}": known are ${known.join(', ')}`);
    if (packs?.length === 0) return;
    const done = Promise.withResolvers<void>();
    this.#request.waiting.push(done);
    if (packs === null) this.#request.all = true;
    for (const name of packs ?? []) this.#request.packs.add(name);
    this.#work();
    return done.promise;
  }

  async reload(): Promise<void> {
    this.#mustLoad = 'asked';
    this.#work();
    await this.#working;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#schedule.stop();
    this.#gate.stop();
    this.#loadAgain.clear();
    this.#judgeAgain.clear();
    this.#watcher.close();
    this.#loader.stop();
    this.#round?.stop();
    await this.#working;
    for (const {reject} of this.#request.waiting) reject(ended());
  }

  status(): ReturnType<Checks['status']> {
    const next = this.#schedule.next();
    const watched = (this.#site?.rules ?? []).filter(({watch}) => watch.some(path => this.#watcher.covers(path)));
    const paths = [...this.#watched.keys()].filter(path => this.#watcher.covers(path)).length;
    return {
      running: this.#doing,
      packs: next.map(({pack, expression, nextAt}) => ({
        name: pack,
        schedule: expression,
        nextAt: new Date(nextAt).toISOString(),
      })),
      watched: {paths, rules: watched.length, problem: this.#watcher.status().problem},
    };
  }

  #onDue(packs: string[]): void {
    // No watch may tell that a broken site was put right, or that one changed at all.
    if (this.#refused !== null || this.#watcher.status().problem !== null) this.#mustLoad ??= 'again';
    for (const pack of packs) this.#request.packs.add(pack);
    this.#work();
  }

  #onLoadAgain(): void {
    this.#mustLoad ??= 'again';
    this.#work();
  }

  #onChange(keys: string[]): void {
    for (const key of keys) {
      if (key === siteKey) this.#mustLoad = 'asked';
      else this.#request.rules.add(key);
    }
    this.#work();
  }

  /** Does what is asked for, one thing after the other, until nothing is. */
  #work(): void {
    this.#working ??= this.#workOff();
  }

  async #workOff(): Promise<void> {
    await null;
    while (!this.#stopped && (this.#mustLoad !== null || isAsked(this.#request))) {
      if (this.#mustLoad !== null) await this.#reload(this.#mustLoad);
      else await this.#judge();
    }
    // In the same step as the last look at what is asked for: whoever asks after it starts anew.
    this.#working = null;
  }

  async #reload(why: 'asked' | 'again'): Promise<void> {
    try {
      await this.#load(why);
    } catch (error) {
      this.#log('error', `cannot take what was loaded: ${String(error)}`);
    }
  }

  async #load(why: 'asked' | 'again'): Promise<void> {
    this.#mustLoad = null;
    this.#doing = 'loading the site';
    let {loaded, refused} = await this.#runLoader('load');
    // What killed the loader may be in the files, and there is something to judge by without them.
    if (loaded === null && this.#site === null && !this.#stopped && refused?.code === 'REEVE_LOAD_FAILED')
      ({loaded} = await this.#runLoader('last'));
    this.#doing = null;
    if (this.#stopped) return;
    this.#planAgain(refused);
    const before = this.#refused;
    this.#refused = refused;
    if (loaded !== null && loaded.digest !== this.#site?.digest) this.#take(loaded);
    if (why === 'asked' ? (refused ?? before) !== null : !saySame(refused, before)) this.#listener.onRefused(refused);
    this.#watch();
  }

  /** Problems that have a place go when the files change; everything else may go by itself. */
  #planAgain(refused: RefusedSite | null): void {
    const {failedLoadMs, unreadSiteMs} = this.#limits;
    if (refused === null || refused.problems.length > 0) this.#loadAgain.over(siteKey);
    else this.#loadAgain.later(siteKey, refused.code === 'REEVE_LOAD_FAILED' ? failedLoadMs : unreadSiteMs);
  }

  #runLoader(job: 'load' | 'last'): Promise<Loading> {
    return this.#loader.run(job, this.#refused?.site ?? []);
  }

  #take(site: LoadedSite): void {
    this.#site = site;
    this.#judgeAgain.clear();
    this.#request.all = true;
    const {checks} = site;
    this.#schedule.set(
      site.packs.map(({name}) => ({
        pack: name,
        expression: checks.packs[name] ?? checks.schedule,
        splayMinutes: checks.splayMinutes,
      })),
    );
    for (const note of site.notes) this.#log('warning', note);
    this.#listener.onLoaded(site);
  }

  #watch(): void {
    const rules = this.#site?.checks.watch ? this.#site.rules : [];
    this.#watched = new Map();
    const add = (path: string, key: string) => {
      const keys = this.#watched.get(path);
      if (keys === undefined) this.#watched.set(path, [key]);
      else if (keys.at(-1) !== key) keys.push(key);
    };
    for (const path of [...(this.#site?.site ?? []), ...(this.#refused?.site ?? [])]) add(path, siteKey);
    for (const {id, watch} of rules) for (const path of watch) add(path, id);
    this.#watcher.set(this.#watched.keys());
    const {directories, problem} = this.#watcher.status();
    if (problem !== null && problem !== this.#saidOfWatching) this.#log('warning', problem, {directories});
    this.#saidOfWatching = problem;
  }

  async #judge(): Promise<void> {
    const request = this.#request;
    this.#request = emptyRequest();
    const site = this.#site as LoadedSite;
    const packs = site.packs.map(({name}) => name).filter(name => request.all || request.packs.has(name));
    const rules = site.rules.filter(({id, pack}) => packs.includes(pack) || request.rules.has(id));
    if (packs.length === 0 && rules.length === 0) {
      for (const {resolve} of request.waiting) resolve();
      return;
    }
    this.#doing = `judging ${packs.length > 0 ? packs.join(', ') : counted(rules.length, 'rule')}`;
    const [at, started] = [this.#clocks.now(), this.#clocks.monotonic()];
    try {
      const judged = await this.#judgeRules(rules);
      if (judged.stopped) throw ended();
      const round = this.#roundOf(judged, packs, rules, {at, durationMs: this.#clocks.monotonic() - started});
      for (const {id} of rules)
        if (judged.again.has(id)) this.#judgeAgain.later(id, this.#limits.diedRuleMs);
        else this.#judgeAgain.over(id);
      this.#listener.onRound(round);
      for (const {resolve} of request.waiting) resolve();
    } catch (error) {
      if (!this.#stopped) this.#log('error', `cannot record what was judged: ${String(error)}`);
      for (const {reject} of request.waiting) reject(error);
    }
    this.#doing = null;
  }

  async #judgeRules(rules: KnownRule[]): Promise<JudgedRules> {
    const first = await this.#runRound(rules);
    if (first.refused === null) return first;
    this.#log('warning', first.refused.message);
    await this.#load('asked');
    const second = await this.#runRound(rules);
    if (second.refused === null) return second;
    const {message} = second.refused;
    const ids = rules.map(({id}) => id);
    return {...second, killed: new Map(ids.map(id => [id, message])), again: new Set(ids)};
  }

  async #runRound(rules: KnownRule[]): Promise<JudgedRules> {
    this.#round = new Round(rules, {
      program: this.#program,
      bundle: this.#bundle,
      clocks: this.#clocks,
      limits: this.#limits,
    });
    if (this.#stopped) this.#round.stop();
    const judged = await this.#round.judge();
    this.#round = null;
    return judged;
  }

  #roundOf(
    judged: JudgedRules,
    packs: string[],
    rules: KnownRule[],
    {at, durationMs}: {at: number; durationMs: number},
  ): CheckRound {
    this.#waiverFindings.take(judged);
    return {
      packs,
      rules: [...rules.map(({id}) => id), ...waiverRules],
      findings: [...judged.findings, ...this.#waiverFindings.all()],
      killed: judged.killed,
      observedAt: new Date(at).toISOString(),
      durationMs: Math.round(durationMs),
    };
  }
}

const saySame = (a: RefusedSite | null, b: RefusedSite | null): boolean =>
  JSON.stringify([a?.code, a?.message, a?.problems]) === JSON.stringify([b?.code, b?.message, b?.problems]);

const isAsked = ({all, packs, rules}: Request): boolean => all || packs.size > 0 || rules.size > 0;

const ended = () => new Error('the agent ends');
