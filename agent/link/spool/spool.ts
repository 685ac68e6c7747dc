import type {DatabaseSync} from 'node:sqlite';
import {parseJson, type SealedBatch} from '../../../controller/protocol/codec.ts';
import {limits} from '../../../controller/protocol/limits.ts';
import {type Position, position} from '../../../controller/protocol/messages.ts';
import {hasShape} from '../../../controller/protocol/shape.ts';
import {timeText} from '../clock.ts';
import {follows} from '../position.ts';
import {LinkProblem} from '../problem.ts';
import {beginAnew, inTransaction, isDamage, openSpoolFile, storageProblem} from './open.ts';

/** Bytes. Above `soft` the link asks the agent for no more batches; the file never grows beyond `hard`. */
export const spoolBounds = {soft: 48 * 1024 * 1024, hard: 64 * 1024 * 1024};

/** A stored batch; `id` ascends in the order of sending. */
export type SpooledBatch = SealedBatch & {id: number};
export type SpoolTotals = {batches: number; bytes: number; oldestAt: string | null};

/** What base64 and the envelope add to a batch: what does not fit into a frame could never be sent. */
const maxPayloadBytes = Math.floor((limits.frame - 512) / 4) * 3;

/**
 * Batches on their way to the controller, in one SQLite file. They leave in the order in which they came, those of an old
 * epoch before those of a new one: the controller takes the old ones as long as it knows of nothing newer, and so the
 * steps between two epochs are not lost.
 *
 * Methods that write throw a `LinkProblem` (SPOOL_FULL, SPOOL_UNUSABLE) when nothing of it was stored.
 */
export class Spool {
  readonly #path: string;
  readonly #bounds: typeof spoolBounds;
  readonly #onSetAside: (why: string) => void;
  #database: DatabaseSync;
  #totals = {batches: 0, bytes: 0};
  #last: Position | null = null;
  #acknowledged: Position | null = null;
  #generation = 0;

  constructor(path: string, onSetAside: (why: string) => void, bounds = spoolBounds) {
    this.#path = path;
    this.#bounds = bounds;
    this.#onSetAside = onSetAside;
    const {database, why} = openSpoolFile(path, bounds.hard, opened => this.#load(opened));
    this.#database = database;
    if (why !== null) onSetAside(why);
  }

  #load(database: DatabaseSync): void {
    this.#count(database);
    const value = factOf(database, 'acknowledged');
    const noted = value === null ? null : parseJson(value);
    if (noted !== null && !hasShape(position, noted)) throw new Error('what was acknowledged is no position');
    this.#acknowledged = noted;
  }

  #count(database: DatabaseSync): void {
    const sums = database
      .prepare('SELECT count(*) AS batches, coalesce(sum(length(payload) + length(signature)), 0) AS bytes FROM batch')
      .get();
    this.#totals = {batches: Number(sums?.batches), bytes: Number(sums?.bytes)};
    const row = database.prepare('SELECT epoch, "to" AS n FROM batch ORDER BY id DESC LIMIT 1').get();
    this.#last = row === undefined ? null : {epoch: Number(row.epoch), n: Number(row.n)};
  }

  /** Another one after the file was begun anew: ids of before mean nothing then. */
  get generation(): number {
    return this.#generation;
  }

  /** The last step that is stored or was acknowledged; null when nothing ever was. */
  position(): Position | null {
    return this.#last ?? this.acknowledged();
  }

  /** What the controller has committed, as far as it said. */
  acknowledged(): Position | null {
    return this.#acknowledged;
  }

  totals(): SpoolTotals {
    const row = this.#read(() => this.#database.prepare('SELECT min(stored_at) AS at FROM batch').get());
    return {...this.#totals, oldestAt: typeof row?.at === 'number' ? timeText(row.at) : null};
  }

  hasRoom(): boolean {
    return this.#totals.bytes < this.#bounds.soft;
  }

  /** Stores a batch durably. False when all of it is here already. Throws BATCH_REFUSED when it does not follow. */
  add(batch: SealedBatch, wallMs: number): boolean {
    const {epoch, from, to, payload, signature} = batch;
    const stored = this.position();
    if (from > to || from < 1) throw new LinkProblem('BATCH_REFUSED', `a batch from ${from} to ${to}`);
    if (stored !== null && epoch === stored.epoch && to <= stored.n) return false;
    if (!follows(stored, batch)) {
      const found = stored === null ? 'nothing' : `${stored.epoch}:${stored.n}`;
      throw new LinkProblem('BATCH_REFUSED', `the batch ${epoch}:${from} does not follow on ${found}`);
    }
    if (payload.length > maxPayloadBytes)
      throw new LinkProblem('BATCH_REFUSED', `a batch of ${payload.length} bytes: ${maxPayloadBytes} can be sent`);
    this.#write('store a batch', () =>
      this.#database
        .prepare('INSERT INTO batch (epoch, "from", "to", payload, signature, stored_at) VALUES (?, ?, ?, ?, ?, ?)')
        .run(epoch, from, to, payload, signature, wallMs),
    );
    this.#totals.batches++;
    this.#totals.bytes += payload.length + signature.length;
    this.#last = {epoch, n: to};
    return true;
  }

  /** The first batch that is sent after the one with this id (0: of all), or null. */
  after(id: number): SpooledBatch | null {
    const done = this.#acknowledged ?? {epoch: -1, n: 0};
    const row = this.#read(() =>
      this.#database
        .prepare(
          `SELECT id, epoch, "from", "to", payload, signature FROM batch
           WHERE id > ? AND (epoch > ? OR (epoch = ? AND "to" > ?)) ORDER BY id LIMIT 1`,
        )
        .get(id, done.epoch, done.epoch, done.n),
    );
    if (row === undefined) return null;
    return {
      id: Number(row.id),
      epoch: Number(row.epoch),
      from: Number(row.from),
      to: Number(row.to),
      payload: Buffer.from(row.payload as Uint8Array),
      signature: Buffer.from(row.signature as Uint8Array),
    };
  }

  /**
   * The controller has committed all up to here: those batches go. They are not sent again even when they cannot be
   * removed now, because on a full disk even removing may fail.
   */
  acknowledge(at: Position): void {
    this.#acknowledged = at;
    this.#write('note an acknowledgement', () => {
      this.#database
        .prepare('DELETE FROM batch WHERE epoch < ? OR (epoch = ? AND "to" <= ?)')
        .run(at.epoch, at.epoch, at.n);
      this.#setFact('acknowledged', JSON.stringify(at));
    });
    this.#count(this.#database);
  }

  /** What is stored cannot be sent any more: all of it goes, and the agent begins a new stream (`next` after null). */
  forget(): void {
    this.#write('empty the spool', () => {
      this.#database.exec('DELETE FROM batch');
      this.#database.prepare("DELETE FROM fact WHERE name = 'acknowledged'").run();
    });
    this.#acknowledged = null;
    this.#count(this.#database);
  }

  /** Whose spool this is: fleet and agent. Everything of another one goes. */
  claim(owner: string): void {
    if (this.#fact('owner') === owner) return;
    this.#write('empty the spool for a new enrolment', () => {
      this.#database.exec('DELETE FROM batch');
      this.#database.exec('DELETE FROM fact');
      this.#setFact('owner', owner);
    });
    this.#acknowledged = null;
    this.#count(this.#database);
  }

  /** What the last `welcome` gave, empty before the first. */
  join(): string {
    return this.#fact('join') ?? '';
  }

  setJoin(join: string): void {
    this.#write('store the join value', () => this.#setFact('join', join));
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #fact(name: string): string | null {
    return this.#read(() => factOf(this.#database, name));
  }

  #setFact(name: string, value: string): void {
    this.#database
      .prepare('INSERT INTO fact (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value')
      .run(name, value);
  }

  #write(doing: string, run: () => void): void {
    this.#guarded(`cannot ${doing}`, () => inTransaction(this.#database, run));
  }

  #read<T>(run: () => T): T {
    return this.#guarded('cannot read the spool', run);
  }

  /** A file that turns out to be damaged is set aside and begun anew, and the caller is told that nothing was done. */
  #guarded<T>(doing: string, run: () => T): T {
    try {
      return run();
    } catch (error) {
      if (error instanceof LinkProblem) throw error;
      if (isDamage(error)) {
        this.#database.close();
        this.#database = beginAnew(this.#path, this.#bounds.hard, opened => this.#load(opened));
        this.#generation++;
        this.#onSetAside((error as Error).message);
      }
      throw storageProblem(doing, error);
    }
  }
}

function factOf(database: DatabaseSync, name: string): string | null {
  const row = database.prepare('SELECT value FROM fact WHERE name = ?').get(name);
  return row === undefined ? null : String(row.value);
}
