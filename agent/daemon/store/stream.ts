import type {KeyObject} from 'node:crypto';
import type {Item} from '../../../controller/protocol/batch.ts';
import {type SealedBatch, sealBatch} from '../../../controller/protocol/codec.ts';
import {limits} from '../../../controller/protocol/limits.ts';
import {SetDigest} from '../../../controller/protocol/set-digest.ts';
import type {Prepare} from './database.ts';

export type Meta = {epoch: number; n: number; stored: number; whole: number; digest: string};
export type Step =
  | {t: 'set'; at: string; rule: string; subject: string; body: string}
  | {t: 'gone'; at: string; rule: string; subject: string}
  | {t: 'reset'}
  | {t: 'settled'; count: number; digest: string}
  | {t: 'gap'; count: number; reason: string};
/** How much may wait for the link. */
export type Bounds = {steps: number; bytes: number};

/** What a batch may have, so that its base64 with the rest of the frame stays below `limits.frame`. */
const maxPayload = Math.floor((limits.frame - 1024) / 4) * 3;
/** For the fields of a batch beside its items. */
const batchHead = 512;

type StepRow = {
  n: number;
  t: Step['t'];
  at: string | null;
  rule: string | null;
  subject: string | null;
  body: string | null;
};

/** The rows of the stream. Everything but `batch` and `waiting` belongs in a transaction of the caller. */
export class Stream {
  readonly #sql: Prepare;
  readonly #bounds: Bounds;

  constructor(sql: Prepare, bounds: Bounds) {
    this.#sql = sql;
    this.#bounds = bounds;
  }

  read(): Meta {
    return this.#sql('SELECT epoch, n, stored, whole, digest FROM stream').get() as Meta;
  }

  write({epoch, n, stored, whole, digest}: Meta): void {
    this.#sql('UPDATE stream SET epoch = ?, n = ?, stored = ?, whole = ?, digest = ?').run(
      epoch,
      n,
      stored,
      whole,
      digest,
    );
  }

  append(meta: Meta, step: Step): void {
    meta.n++;
    const [at, rule, subject] =
      step.t === 'set' || step.t === 'gone' ? [step.at, step.rule, step.subject] : [null, null, null];
    const body = step.t === 'set' ? step.body : step.t === 'settled' || step.t === 'gap' ? JSON.stringify(step) : null;
    const bytes = Buffer.byteLength(body ?? '') + Buffer.byteLength(subject ?? '') + 100;
    this.#sql('INSERT INTO step VALUES (?, ?, ?, ?, ?, ?, ?)').run(meta.n, step.t, at, rule, subject, body, bytes);
  }

  /** The whole set, as it is in the table of findings now. */
  appendWhole(meta: Meta): void {
    this.append(meta, {t: 'reset'});
    let count = 0;
    const rows = this.#sql('SELECT rule, subject, body, observed AS at FROM finding ORDER BY rule, subject').all();
    for (const row of rows as Array<{rule: string; subject: string; body: string; at: string}>) {
      this.append(meta, {t: 'set', ...row});
      count++;
    }
    this.append(meta, {t: 'settled', count, digest: new SetDigest(meta.digest).toString()});
    meta.whole = meta.n;
  }

  /** Begins anew under this epoch, with the whole set. Of steps that this leaves out a `gap` tells. */
  begin(meta: Meta, epoch: number): void {
    const missing = this.#missing() + this.#changes(meta);
    this.forget(meta, epoch);
    this.appendWhole(meta);
    this.#appendGap(meta, missing);
  }

  /** Drops all steps; the next one will be the first under this epoch. */
  forget(meta: Meta, epoch: number): void {
    this.#sql('DELETE FROM step').run();
    Object.assign(meta, {epoch, n: 0, stored: 0, whole: 0});
  }

  trim(meta: Meta, n: number): void {
    this.#sql('DELETE FROM step WHERE n <= ?').run(n);
    meta.stored = n;
  }

  waiting(): {items: number; bytes: number} {
    return this.#sql('SELECT count(*) AS items, coalesce(sum(bytes), 0) AS bytes FROM step').get() as {
      items: number;
      bytes: number;
    };
  }

  /**
   * Keeps what waits within bounds: steps that a later one of the same finding overtook are left out, and where that is
   * not enough the whole set takes the place of all. A `gap` says how many are missing; no end state is.
   */
  bound(meta: Meta): void {
    if (!this.#isOver(1)) return;
    // A stream begins with a reset at 1, and a number that may have been sent is not used twice.
    if (meta.stored === 0) {
      this.begin(meta, meta.epoch + 1);
      return;
    }
    let missing = this.#missing();
    this.#sql("DELETE FROM step WHERE t = 'gap'").run();
    // Nothing may be left out of a whole set, or it would not be the one that its `settled` speaks of.
    const wholeWaits = meta.whole > meta.stored;
    if (!wholeWaits) missing += this.#dropOvertaken();
    if (wholeWaits || this.#isOver(2)) {
      missing += this.#changes(meta);
      this.#sql('DELETE FROM step').run();
      this.appendWhole(meta);
    }
    this.#appendGap(meta, missing);
  }

  #missing(): number {
    return this.#number("SELECT coalesce(sum(json_extract(body, '$.count')), 0) AS value FROM step WHERE t = 'gap'");
  }

  /** Steps that tell of a change: those of a whole set tell of none. */
  #changes({whole}: Meta): number {
    return this.#number(
      `SELECT count(*) AS value FROM step WHERE t IN ('set', 'gone')
        AND (n > ? OR n < (SELECT max(n) FROM step WHERE t = 'reset'))`,
      whole,
    );
  }

  #appendGap(meta: Meta, count: number): void {
    if (count > 0)
      this.append(meta, {t: 'gap', count, reason: 'more steps waited than are kept, or their order was lost'});
  }

  #dropOvertaken(): number {
    const overtaken = `DELETE FROM step WHERE EXISTS (
      SELECT 1 FROM step AS later WHERE later.rule = step.rule AND later.subject = step.subject AND later.n > step.n)`;
    return Number(this.#sql(overtaken).run().changes);
  }

  /** Whether more waits than the bound, or than twice the whole set where that is more; the share is `1 / divisor`. */
  #isOver(divisor: number): boolean {
    const {items, bytes} = this.waiting();
    const set = this.#sql('SELECT count(*) AS items, coalesce(sum(length(body)), 0) AS bytes FROM finding').get() as {
      items: number;
      bytes: number;
    };
    const allowed = (bound: number, whole: number) => Math.max(bound, 2 * whole) / divisor;
    return (
      items > allowed(this.#bounds.steps, set.items + 3) ||
      bytes > allowed(this.#bounds.bytes, set.bytes + (set.items + 3) * 100)
    );
  }

  /**
   * The steps after `n` as a signed batch, as many as fit. `at` stands for steps that have no time of their own.
   * Null when there are none.
   */
  batch(meta: Meta, after: number, agent: string, key: KeyObject, at: string): SealedBatch | null {
    const items: Item[] = [];
    let bytes = batchHead;
    const rows = this.#sql('SELECT n, t, at, rule, subject, body FROM step WHERE n > ? ORDER BY n').iterate(after);
    for (const row of rows as Iterable<StepRow>) {
      const item = readStep(row);
      bytes += Buffer.byteLength(JSON.stringify(item)) + 1;
      if (items.length === limits.batchItems || bytes > limits.batch) break;
      items.push(item);
    }
    while (items.length > 0) {
      const sealed = this.#seal(meta.epoch, after, items, agent, key, at);
      if (sealed.payload.length <= maxPayload) return sealed;
      items.length = Math.ceil(items.length / 2);
    }
    return null;
  }

  #seal(epoch: number, after: number, items: Item[], agent: string, key: KeyObject, now: string): SealedBatch {
    const at = items.map(item => ('at' in item ? item.at : undefined)).find(time => time !== undefined) ?? now;
    const to = (items.at(-1) as Item).n;
    const spared = items.map(item => {
      if (!('at' in item) || item.at !== at) return item;
      const {at: _, ...rest} = item;
      return rest;
    });
    return sealBatch({v: 1, agent, epoch, from: after + 1, to, at, items: spared as Item[]}, key);
  }

  #number(query: string, ...values: number[]): number {
    return (this.#sql(query).get(...values) as {value: number}).value;
  }
}

function readStep({n, t, at, rule, subject, body}: StepRow): Item {
  if (t === 'set') return {n, t, at: at as string, f: JSON.parse(body as string)};
  if (t === 'gone') return {n, t, at: at as string, rule: rule as string, subject: subject as string};
  if (t === 'reset') return {n, t};
  return {n, ...JSON.parse(body as string)};
}
