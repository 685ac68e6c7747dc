import type {DatabaseSync} from 'node:sqlite';
import type {Batch, Item, WireFinding} from '../../protocol/batch.ts';
import {limits} from '../../protocol/limits.ts';
import {jsonDigest, SetDigest} from '../../protocol/set-digest.ts';
import {StoreError} from '../errors.ts';
import {severityNumber} from '../severity.ts';
import type {Stored} from '../store.ts';

/** What is kept of one host at most; a host of reeve's packs has some hundreds. */
const maxFindings = 20_000;

type Stream = {state: string; epoch: number | null; last_n: number; digest: string; resetting_from: number | null};
type Old = {pack: string; severity: number; verdict: string; digest: string; since_host: number};
type Removed = {rule: string; subject: string; verdict: string; digest: string};

/** Makes the operation that applies a batch to what is stored of a host (PROTOCOL.md, The stream). */
export function storeBatchOperation(database: DatabaseSync): (host: string, batch: Batch, at: number) => Stored {
  const stream = database.prepare('SELECT state, epoch, last_n, digest, resetting_from FROM host WHERE id = ?');
  const move = database.prepare(
    'UPDATE host SET epoch = ?, last_n = ?, digest = ?, resetting_from = ?, last_seen_at = ? WHERE id = ?',
  );
  const count = database.prepare('SELECT coalesce(sum(count), 0) AS n FROM host_count WHERE host = ?');
  const steps = new Steps(database);

  return (host, batch, receivedAt) => {
    const row = stream.get(host) as Stream | undefined;
    if (row?.state !== 'active') return {state: 'refused', reason: 'the host is not active any more'};
    const at = row.epoch === null ? null : {epoch: row.epoch, n: row.last_n};
    const anew = at === null || batch.epoch > at.epoch;
    if (at !== null && batch.epoch < at.epoch) return {state: 'replayed', at};
    if (at !== null && !anew && batch.to <= at.n)
      return {state: 'stored', at, digest: row.digest, settledOtherwise: false};
    const last = anew ? 0 : row.last_n;
    if (batch.from > last + 1) return {state: 'hole', at};
    const [first] = batch.items;
    if (anew && (first?.n !== 1 || first.t !== 'reset'))
      return {state: 'refused', reason: 'a stream begins with a reset at 1'};
    if (anew && at !== null) steps.note(host, batch.epoch, 0, 0, 'the stream of the host began anew', receivedAt);

    const items = batch.items.filter(item => item.n > last);
    const state = steps.apply(host, batch, items, receivedAt, new SetDigest(row.digest), row.resetting_from);
    if (Number(count.get(host)?.n) > maxFindings)
      throw new StoreError('STORE_REFUSED', `a host has at most ${maxFindings} findings`);
    move.run(batch.epoch, batch.to, state.digest, state.resettingFrom, receivedAt, host);
    const {digest, settledOtherwise} = state;
    return {state: 'stored', at: {epoch: batch.epoch, n: batch.to}, digest, settledOtherwise};
  };
}

class Steps {
  readonly #find;
  readonly #put;
  readonly #renew;
  readonly #remove;
  readonly #untouched;
  readonly #change;
  readonly #gap;

  constructor(database: DatabaseSync) {
    this.#find = database.prepare(
      'SELECT pack, severity, verdict, digest, since_host FROM finding WHERE host = ? AND rule = ? AND subject = ?',
    );
    this.#put = database.prepare(`
      INSERT INTO finding (host, rule, subject, pack, severity, verdict, body, digest, epoch, n,
        observed_at_host, since_host, received_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (host, rule, subject) DO UPDATE SET pack = excluded.pack, severity = excluded.severity,
        verdict = excluded.verdict, body = excluded.body, digest = excluded.digest, epoch = excluded.epoch,
        n = excluded.n, observed_at_host = excluded.observed_at_host, since_host = excluded.since_host,
        received_at = excluded.received_at`);
    // Of a finding that stays where the indexes have it, which most of a whole set that comes again do.
    this.#renew = database.prepare(`
      UPDATE finding SET body = ?, digest = ?, epoch = ?, n = ?, observed_at_host = ?, since_host = ?, received_at = ?
      WHERE host = ? AND rule = ? AND subject = ?`);
    this.#remove = database.prepare('DELETE FROM finding WHERE host = ? AND rule = ? AND subject = ?');
    this.#untouched = database.prepare(
      'SELECT rule, subject, verdict, digest FROM finding WHERE host = ? AND (epoch <> ? OR n < ?)',
    );
    this.#change = database.prepare('INSERT INTO change VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#gap = database.prepare('INSERT INTO gap VALUES (?, ?, ?, ?, ?, ?)');
  }

  note(host: string, epoch: number, n: number, count: number, reason: string, receivedAt: number): void {
    this.#gap.run(host, epoch, n, count, reason, receivedAt);
  }

  apply(
    host: string,
    batch: Batch,
    items: Item[],
    receivedAt: number,
    digest: SetDigest,
    resetting: number | null,
  ): {digest: string; resettingFrom: number | null; settledOtherwise: boolean} {
    let resettingFrom = resetting;
    let settledOtherwise = false;
    const time = (text: string | undefined) => hostTime(text ?? batch.at, receivedAt);
    const gone = ({rule, subject, verdict, digest: old}: Removed, n: number, part: number, at: number) => {
      this.#remove.run(host, rule, subject);
      digest.remove(old);
      this.#change.run(host, batch.epoch, n, part, rule, subject, verdict, null, null, at, receivedAt);
    };
    for (const [index, item] of items.entries()) {
      switch (item.t) {
        case 'set': {
          const {n, f} = item;
          const old = this.#find.get(host, f.rule, f.subject) as Old | undefined;
          const at = time(item.at);
          const body = this.#set(host, batch.epoch, n, f, old, at, receivedAt, digest);
          if (body === null) break;
          const before = old?.verdict ?? null;
          this.#change.run(host, batch.epoch, n, 0, f.rule, f.subject, before, f.verdict, body, at, receivedAt);
          break;
        }
        case 'gone': {
          const {n, rule, subject} = item;
          const old = this.#find.get(host, rule, subject) as Old | undefined;
          if (old !== undefined) gone({rule, subject, ...old}, n, 0, time(item.at));
          break;
        }
        case 'reset':
          resettingFrom = item.n;
          break;
        case 'settled': {
          if (resettingFrom === null) break;
          // What is set again later in this batch was part of the set, and overtaken before it left the host.
          const later = new Set(items.slice(index + 1).flatMap(next => (next.t === 'set' ? [keyOf(next.f)] : [])));
          const untouched = this.#untouched.all(host, batch.epoch, resettingFrom) as Removed[];
          const removed = untouched.filter(finding => !later.has(keyOf(finding)));
          for (const [part, finding] of removed.entries()) gone(finding, item.n, part, time(undefined));
          resettingFrom = null;
          settledOtherwise = removed.length === untouched.length && digest.toString() !== item.digest;
          break;
        }
        case 'gap':
          this.note(host, batch.epoch, item.n, item.count, item.reason, receivedAt);
          break;
      }
    }
    return {digest: digest.toString(), resettingFrom, settledOtherwise};
  }

  /** Puts a finding in place. Null when it says what the one before said, else what is kept of it. */
  #set(
    host: string,
    epoch: number,
    n: number,
    finding: WireFinding,
    old: Old | undefined,
    at: number,
    receivedAt: number,
    set: SetDigest,
  ): string | null {
    const body = JSON.stringify(finding);
    if (body.length > limits.finding)
      throw new StoreError('STORE_REFUSED', `a finding has at most ${limits.finding} bytes`);
    const digest = jsonDigest(body);
    const since = old?.verdict === finding.verdict ? old.since_host : at;
    const {rule, subject, pack, severity, verdict} = finding;
    const place = severityNumber(severity);
    if (old?.pack === pack && old.severity === place && old.verdict === verdict)
      this.#renew.run(body, digest, epoch, n, at, since, receivedAt, host, rule, subject);
    else this.#put.run(host, rule, subject, pack, place, verdict, body, digest, epoch, n, at, since, receivedAt);
    if (old?.digest === digest) return null;
    if (old !== undefined) set.remove(old.digest);
    set.add(digest);
    return body;
  }
}

const keyOf = ({rule, subject}: {rule: string; subject: string}) => JSON.stringify([rule, subject]);

/** A time of a host in milliseconds; ours when there is no such day. */
function hostTime(text: string, receivedAt: number): number {
  const at = Date.parse(text);
  return Number.isNaN(at) ? receivedAt : at;
}
