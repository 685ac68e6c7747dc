import {createPublicKey, randomUUID} from 'node:crypto';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {type OpenedStore, openStore, type StoreOptions} from '../../agent/daemon/store/store.ts';
import type {Batch, WireFinding} from '../../controller/protocol/batch.ts';
import {openBatch} from '../../controller/protocol/codec.ts';
import type {Position} from '../../controller/protocol/messages.ts';
import {findingDigest, SetDigest} from '../../controller/protocol/set-digest.ts';
import {scratch, testKey} from './agent.ts';

export const key = testKey();
export const agent = randomUUID();

export type Fixture = {
  store: OpenedStore;
  path: string;
  log: string[];
  /** What the clock that never jumps says. */
  clock: {ms: number};
  reopen(options?: Partial<StoreOptions>): OpenedStore;
};

export function openFixture(t: ExecutionContext, options: Partial<StoreOptions> = {}): Fixture {
  const path = join(scratch(t), 'agent.db');
  const clock = {ms: 0};
  const log: string[] = [];
  let store: OpenedStore | null = null;
  let enrolled = false;
  const reopen = (more: Partial<StoreOptions> = {}) => {
    store?.close();
    store = openStore({
      path,
      identity: () => (enrolled ? {agent, key} : null),
      describe: () => ({pack: 'p', severity: 'low'}),
      log: (level, message) => log.push(`${level}: ${message}`),
      now: () => new Date('2026-01-02T00:00:00Z'),
      monotonicMs: () => clock.ms,
      ...options,
      ...more,
    });
    return store;
  };
  t.teardown(() => store?.close());
  const first = reopen();
  enrolled = true;
  return {store: first, path, log, clock, reopen};
}

/** A controller: applies batches to a set of its own and refuses what PROTOCOL.md tells it to. */
export class Mirror {
  at: Position | null = null;
  readonly set = new Map<string, WireFinding>();
  readonly history: string[] = [];
  gaps = 0;
  /** Findings that went without having come. */
  strays = 0;
  settled = '';
  #named: Set<string> | null = null;

  /** Takes all that there is, and says so as the link does. */
  drain(store: OpenedStore, {stored = true} = {}): Batch[] {
    const batches: Batch[] = [];
    for (;;) {
      if (this.at !== null && stored) store.stored(this.at);
      const sealed = store.next(this.at);
      if (sealed === null) return batches;
      const opened = openBatch(sealed, agent, createPublicKey(key));
      if (!opened.ok) throw new Error(`${opened.code}: ${opened.reason}`);
      this.apply(opened.value);
      batches.push(opened.value);
    }
  }

  apply({epoch, from, to, items}: Batch): void {
    const fresh = this.at === null || epoch > this.at.epoch;
    if (fresh && (from !== 1 || items[0]?.t !== 'reset')) throw new Error('a stream begins with a reset at 1');
    if (!fresh && epoch < (this.at?.epoch ?? 0)) throw new Error('STREAM_REPLAYED');
    if (!fresh && from !== (this.at?.n ?? 0) + 1) throw new Error('STREAM_HOLE');
    for (const item of items) {
      if (item.t === 'reset') this.#named = new Set();
      else if (item.t === 'set') {
        const id = `${item.f.rule} ${item.f.subject}`;
        this.set.set(id, item.f);
        this.#named?.add(id);
        this.history.push(`${id} ${item.f.verdict}`);
      } else if (item.t === 'gone') {
        if (!this.set.delete(`${item.rule} ${item.subject}`)) this.strays++;
        this.history.push(`${item.rule} ${item.subject} gone`);
      } else if (item.t === 'gap') this.gaps += item.count;
      else {
        for (const id of this.set.keys()) if (!this.#named?.has(id)) this.set.delete(id);
        this.#named = null;
        this.settled = item.digest;
        if (item.digest !== this.digest() || item.count !== this.set.size) throw new Error('settled on another set');
      }
    }
    this.at = {epoch, n: to};
  }

  digest(): string {
    const sum = new SetDigest();
    for (const finding of this.set.values()) sum.add(findingDigest(finding));
    return sum.toString();
  }
}
