import type {KeyObject} from 'node:crypto';
import type {DatabaseSync, SQLInputValue} from 'node:sqlite';
import type {WireFinding} from '../../../controller/protocol/batch.ts';
import type {SealedBatch} from '../../../controller/protocol/codec.ts';
import type {Log} from '../../../controller/protocol/log.ts';
import type {Position} from '../../../controller/protocol/messages.ts';
import {findingDigest, SetDigest} from '../../../controller/protocol/set-digest.ts';
import type {Finding, Severity, Verdict} from '../../../policies/finding.ts';
import type {ControlRequest, LocalFinding} from '../../ipc/control-messages.ts';
import type {CheckRound, FindingStore} from '../contracts.ts';
import {openDatabase, type Prepare, preparing} from './database.ts';
import {type Bounds, type Meta, Stream} from './stream.ts';
import {addPending, type PendingRound, pendingRound} from './unwritten.ts';
import {toWire} from './wire.ts';

export type StoreOptions = {
  /** The database's file. */
  path: string;
  /** Under which id and key batches are made; null before enrolment: then nothing is streamed. */
  identity: () => {agent: string; key: KeyObject} | null;
  /** What is known of a rule whose looking was ended before it had ever found anything. */
  describe: (rule: string) => {pack: string; severity: Severity} | null;
  log: Log;
  now: () => Date;
  /** Milliseconds of a clock that never jumps. */
  monotonicMs: () => number;
  bounds?: Bounds;
};

export type OpenedStore = FindingStore & {
  /** The file that was there before and could not be used: where it is now, and why. */
  readonly setAside: {path: string; reason: string} | null;
};

/** Rules of reeve itself: `forgetRulesBut` leaves them. */
const ownPack = 'reeve';
const defaultBounds: Bounds = {steps: 50_000, bytes: 16 * 1024 * 1024};
/** Epochs are counted up, or begin with the time in milliseconds; nothing honest comes near. */
const maxEpoch = 2 ** 48;
/** How often a link may make us begin the whole set anew. */
const forcedMs = 60_000;
const definite: readonly Verdict[] = ['pass', 'fail', 'waived', 'not-applicable'];
/** Stands for times that RFC 3339 cannot write: a clock that is off by eight thousand years. */
const unknownTime = '1970-01-01T00:00:00.000Z';
const wireTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/;

type Row = {
  rule: string;
  subject: string;
  pack: string;
  verdict: Verdict;
  body: string;
  digest: string;
  since: string;
  observed: string;
};

/** Opens the store in its file. Throws as `openDatabase` does. */
export function openStore(options: StoreOptions): OpenedStore {
  const {db, setAside} = openDatabase(options.path, before => {
    if (before !== null && before < maxEpoch) return before + 1;
    return options.identity() === null ? 1 : options.now().getTime();
  });
  return new SqliteStore(db, setAside, options);
}

class SqliteStore implements OpenedStore {
  readonly setAside: OpenedStore['setAside'];
  readonly #db: DatabaseSync;
  readonly #options: StoreOptions;
  readonly #stream: Stream;
  readonly #sql: Prepare;
  #meta: Meta;
  readonly #pending: PendingRound[] = [];
  #problem: string | null = null;
  #forcedAt = Number.NEGATIVE_INFINITY;

  constructor(db: DatabaseSync, setAside: OpenedStore['setAside'], options: StoreOptions) {
    this.#db = db;
    this.setAside = setAside;
    this.#options = options;
    this.#sql = preparing(db);
    this.#stream = new Stream(this.#sql, options.bounds ?? defaultBounds);
    this.#meta = this.#stream.read();
  }

  record(round: CheckRound): number {
    addPending(this.#pending, pendingRound(round));
    return this.retry();
  }

  recordOwn(rule: string, finding: Finding | null): number {
    const observedAt = finding?.observedAt ?? this.#now();
    const findings = finding === null ? [] : [finding];
    return this.record({packs: [], rules: [rule], findings, killed: new Map(), observedAt, durationMs: 0});
  }

  forgetRulesBut(known: ReadonlySet<string>): number {
    const rows = this.#sql('SELECT DISTINCT rule FROM finding WHERE pack <> ?').all(ownPack);
    const rules = (rows as Array<{rule: string}>).map(({rule}) => rule).filter(rule => !known.has(rule));
    if (rules.length === 0) return 0;
    return this.record({packs: [], rules, findings: [], killed: new Map(), observedAt: this.#now(), durationMs: 0});
  }

  retry(): number {
    const before = this.#meta.n;
    const {epoch} = this.#meta;
    while (this.#pending[0] !== undefined) {
      const round = this.#pending[0];
      if (!this.#attempt(meta => this.#apply(meta, round))) break;
      this.#pending.shift();
    }
    return this.#meta.epoch === epoch ? this.#meta.n - before : this.#meta.n;
  }

  problem(): string | null {
    return this.#problem;
  }

  next(after: Position | null): SealedBatch | null {
    const identity = this.#options.identity();
    if (identity === null || this.#meta.n === 0) return null;
    let from = this.#servable(after);
    if (from === null) {
      const {epoch, stored} = this.#meta;
      const seen = after?.epoch ?? 0;
      this.#options.log('warning', 'the link lacks steps that are not kept any more', {
        epoch,
        stored,
        linkEpoch: seen,
        linkN: after?.n ?? null,
      });
      if (!this.#beginAbove(Math.max(epoch, seen))) return null;
      from = 0;
    }
    return this.#stream.batch(this.#meta, from, identity.agent, identity.key, this.#now());
  }

  /** After which number to go on for a link that stands there, or null when what follows is not kept. */
  #servable(after: Position | null): number | null {
    const {epoch, n, stored} = this.#meta;
    if (after === null || after.epoch < epoch) return stored === 0 ? 0 : null;
    return after.epoch === epoch && after.n >= stored && after.n <= n ? after.n : null;
  }

  stored({epoch, n}: Position): void {
    if (epoch !== this.#meta.epoch || n <= this.#meta.stored || n > this.#meta.n) return;
    this.#attempt(meta => this.#stream.trim(meta, n));
  }

  resync(reason: string, controllerAt: Position | null): void {
    const {epoch, n, whole, stored} = this.#meta;
    if (this.#options.identity() === null || n === 0) return;
    const behind =
      controllerAt !== null && (controllerAt.epoch > epoch || (controllerAt.epoch === epoch && controllerAt.n > n));
    if (!behind && whole > stored) return;
    this.#options.log('info', 'the controller wants the whole set', {reason, behind});
    if (behind) this.#beginAbove(controllerAt.epoch);
    else this.#force(meta => this.#stream.appendWhole(meta));
  }

  enrolled(): void {
    this.#attempt(meta => {
      const epoch = meta.epoch < maxEpoch / 2 ? meta.epoch + 1 : this.#options.now().getTime();
      if (meta.n > 0) this.#stream.forget(meta, epoch);
      if (this.#hasFindings()) this.#stream.begin(meta, meta.epoch);
    });
  }

  at(): Position {
    return {epoch: this.#meta.epoch, n: this.#meta.n};
  }

  digest(): string {
    return new SetDigest(this.#meta.digest).toString();
  }

  waiting(): {items: number; bytes: number; stored: Position | null} {
    const {epoch, stored} = this.#meta;
    return {...this.#stream.waiting(), stored: stored === 0 ? null : {epoch, n: stored}};
  }

  findings({
    packs,
    rules,
    verdicts,
    severities,
  }: Omit<Extract<ControlRequest, {verb: 'findings'}>, 'verb'>): LocalFinding[] {
    const filters = {pack: packs, rule: rules, verdict: verdicts, severity: severities};
    const given = Object.entries(filters).filter(([, values]) => values !== undefined);
    const where = given.map(([column]) => `${column} IN (SELECT value FROM json_each(?))`).join(' AND ');
    const query = `SELECT body, since, observed FROM finding ${where && `WHERE ${where}`} ORDER BY rule, subject`;
    const rows = this.#sql(query).all(...given.map(([, values]): SQLInputValue => JSON.stringify(values)));
    return (rows as Array<Pick<Row, 'body' | 'since' | 'observed'>>).map(({body, since, observed}) => ({
      finding: JSON.parse(body) as WireFinding,
      since,
      observedAt: observed,
    }));
  }

  counts(): {[verdict: string]: number} {
    const rows = this.#sql('SELECT verdict, count(*) AS count FROM finding GROUP BY verdict').all();
    return Object.fromEntries(
      (rows as Array<{verdict: string; count: number}>).map(({verdict, count}) => [verdict, count]),
    );
  }

  checkedAt(): {[pack: string]: {at: string; durationMs: number}} {
    const rows = this.#sql('SELECT name, at, duration FROM pack ORDER BY name').all();
    return Object.fromEntries(
      (rows as Array<{name: string; at: string; duration: number}>).map(({name, at, duration}) => [
        name,
        {at, durationMs: duration},
      ]),
    );
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  /** Runs a change as one transaction. False when it could not be written; then all is as it was. */
  #attempt(change: (meta: Meta) => void): boolean {
    const meta = {...this.#meta};
    try {
      this.#db.exec('BEGIN IMMEDIATE');
      change(meta);
      this.#stream.bound(meta);
      this.#stream.write(meta);
      this.#db.exec('COMMIT');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      if ((error as NodeJS.ErrnoException).code !== 'ERR_SQLITE_ERROR') throw error;
      const problem = (error as Error).message;
      if (this.#problem !== problem)
        this.#options.log('error', 'the state cannot be written', {path: this.#options.path, problem});
      this.#problem = problem;
      return false;
    }
    this.#meta = meta;
    if (this.#problem !== null) this.#options.log('info', 'the state can be written again', {path: this.#options.path});
    this.#problem = null;
    return true;
  }

  /** What a link makes us do costs us, so it is done but once in a while. False when it was not done. */
  #force(change: (meta: Meta) => void): boolean {
    const now = this.#options.monotonicMs();
    if (now - this.#forcedAt < forcedMs) return false;
    this.#forcedAt = now;
    return this.#attempt(change);
  }

  #beginAbove(epoch: number): boolean {
    if (epoch >= maxEpoch) {
      this.#options.log('error', 'no stream can follow on an epoch this high; enrol this host anew', {epoch});
      return false;
    }
    return this.#force(meta => this.#stream.begin(meta, epoch + 1));
  }

  #apply(meta: Meta, round: PendingRound): void {
    const observed = wireTime.test(round.observedAt) ? round.observedAt : unknownTime;
    const found = Map.groupBy(round.findings, ({rule}) => rule);
    const rules = new Set([...round.rules, ...found.keys(), ...round.killed.keys()]);
    for (const rule of rules) {
      const rows = this.#sql('SELECT * FROM finding WHERE rule = ?').all(rule) as Row[];
      const reason = round.killed.get(rule);
      const now = reason === undefined ? (found.get(rule) ?? []).map(toWire) : this.#unseen(rule, rows, reason);
      this.#replace(meta, rule, rows, now, observed);
    }
    for (const [name, {at, durationMs}] of round.packs)
      this.#sql('INSERT OR REPLACE INTO pack VALUES (?, ?, ?)').run(name, at, durationMs);
    if (meta.n === 0 && this.#options.identity() !== null) this.#stream.begin(meta, meta.epoch);
  }

  /** What is said of a rule that could not be looked at: for each subject, with the last verdict that was seen of it. */
  #unseen(rule: string, rows: Row[], reason: string): WireFinding[] {
    const unknown = {verdict: 'unknown' as const, reason: reason.slice(0, 4096)};
    const {pack, severity} = this.#options.describe(rule) ?? {pack: ownPack, severity: 'medium' as const};
    if (rows.length === 0) return [{rule, pack, severity, subject: rule, ...unknown}];
    return rows.map(({subject, verdict, body, observed}) => {
      const before = JSON.parse(body) as WireFinding;
      const last = before.last ?? (definite.includes(verdict) ? {verdict, observedAt: observed} : undefined);
      const {pack, severity} = before;
      return {rule, pack, severity, subject, ...unknown, ...(last === undefined ? {} : {last})};
    });
  }

  #replace(meta: Meta, rule: string, rows: Row[], findings: WireFinding[], at: string): void {
    const before = new Map(rows.map(row => [row.subject, row]));
    const digest = new SetDigest(meta.digest);
    const seen = new Set<string>();
    for (const finding of findings) {
      const {subject, pack, severity, verdict} = finding;
      if (seen.has(subject)) continue;
      seen.add(subject);
      const old = before.get(subject);
      const body = JSON.stringify(finding);
      if (old?.body === body) continue;
      const own = findingDigest(finding);
      if (old !== undefined) digest.remove(old.digest);
      digest.add(own);
      const since = old?.verdict === verdict ? old.since : at;
      this.#sql('INSERT OR REPLACE INTO finding VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)').run(
        rule,
        subject,
        pack,
        severity,
        verdict,
        body,
        own,
        since,
        at,
      );
      if (meta.n > 0) this.#stream.append(meta, {t: 'set', at, rule, subject, body});
    }
    for (const {subject, digest: old} of rows.filter(({subject}) => !seen.has(subject))) {
      digest.remove(old);
      this.#sql('DELETE FROM finding WHERE rule = ? AND subject = ?').run(rule, subject);
      if (meta.n > 0) this.#stream.append(meta, {t: 'gone', at, rule, subject});
    }
    this.#sql('UPDATE finding SET observed = ? WHERE rule = ?').run(at, rule);
    meta.digest = digest.toString();
  }

  #hasFindings(): boolean {
    return this.#sql('SELECT 1 FROM finding LIMIT 1').get() !== undefined;
  }

  #now(): string {
    const now = this.#options.now().toISOString();
    return wireTime.test(now) ? now : unknownTime;
  }
}
