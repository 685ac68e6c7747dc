import {monitorEventLoopDelay, performance} from 'node:perf_hooks';
import type {CloseName} from '../protocol/close-codes.ts';
import {limits} from '../protocol/limits.ts';
import type {Log} from '../protocol/log.ts';
import type {Presence, Store} from '../store/store.ts';
import {Bucket} from './bucket.ts';
import type {Connection} from './connection.ts';
import type {Counters, Liveness} from './liveness.ts';
import {Wheel} from './wheel.ts';
import type {Wire} from './wire.ts';

export type HubLimits = {admissionPerSecond: number; enrolsPerSecond: number; resyncsPerSecond: number};

export type HubOptions = {
  store: Store;
  fleet: string;
  log: Log;
  limits: HubLimits;
  /** Whether hosts may be behind a proxy that ends TLS. */
  allowTlsAtProxy: boolean;
};

/** Steps that may wait for the writer before connections stop reading, and below which they go on. */
const maxWaitingItems = 5_000;
const maxWaitingRequests = 512;
const presenceMs = 60_000;
const resyncAgainMs = 10 * 60_000;
const minSpreadMs = 5_000;
/** How long closing all connections at a planned end may take. */
const drainMs = 6_000;
const drainWaves = 20;

/** All connections: who is connected, what is counted, and what one connection must not take from the others. */
export class Hub implements Liveness {
  readonly store: Store;
  readonly fleet: string;
  readonly log: Log;
  readonly allowTlsAtProxy: boolean;
  readonly wheel: Wheel;
  readonly enrols: Bucket;
  readonly #limits: HubLimits;
  readonly #resyncs: Bucket;
  readonly #resyncedAt = new Map<string, number>();
  readonly #all = new Set<Connection>();
  readonly #hosts = new Map<string, Connection>();
  readonly #presence = new Map<string, Presence>();
  readonly #paused = new Set<Wire>();
  readonly #turns: Array<() => void> = [];
  readonly #lag = monitorEventLoopDelay({resolution: 20});
  readonly count = {
    accepted: 0,
    evicted: 0,
    batches: 0,
    duplicateBatches: 0,
    items: 0,
    receivedBytes: 0,
    resyncs: 0,
    settledOtherwise: 0,
    refusedUpgrades: {} as {[status: string]: number},
    refused: {} as {[code in CloseName]?: number},
    messages: {} as {[type: string]: number},
  };
  /** Of sockets that did not say a right hello yet; the listener sets it. */
  strangers = (): number => 0;
  sockets = (): number => this.#all.size;

  constructor(options: HubOptions) {
    this.store = options.store;
    this.fleet = options.fleet;
    this.log = options.log;
    this.allowTlsAtProxy = options.allowTlsAtProxy;
    this.#limits = options.limits;
    this.wheel = new Wheel(() => this.uptime());
    const {enrolsPerSecond, resyncsPerSecond} = options.limits;
    this.enrols = new Bucket(enrolsPerSecond, enrolsPerSecond * 4, this.uptime());
    this.#resyncs = new Bucket(resyncsPerSecond, resyncsPerSecond * 10, this.uptime());
    this.#lag.enable();
    this.wheel.set(() => {
      this.flushPresence().catch(error => this.log('warning', 'presence was not stored', {reason: error.message}));
      return presenceMs;
    }, presenceMs);
  }

  /** Milliseconds of a clock that does not jump: for timers. */
  uptime(): number {
    return performance.now();
  }

  /** Milliseconds since 1970: for what is stored. */
  now(): number {
    return Date.now();
  }

  add(connection: Connection): void {
    this.#all.add(connection);
  }

  remove(connection: Connection): void {
    this.#all.delete(connection);
    this.#paused.delete(connection.wire);
    const {host} = connection;
    if (host === null || this.#hosts.get(host) !== connection) return;
    this.#hosts.delete(host);
    this.notePresence({host, seenAt: this.now(), disconnectedAt: this.now()});
  }

  /** The connection is the host's from now on; an older one ends. */
  open(host: string, connection: Connection): void {
    const older = this.#hosts.get(host);
    this.#hosts.set(host, connection);
    older?.refuse('REPLACED', 'a newer connection of this host took over');
    this.count.accepted++;
  }

  isConnected(host: string): boolean {
    return this.#hosts.has(host);
  }

  seenAt(host: string): number | null {
    const silentMs = this.#hosts.get(host)?.wire.silentMs(this.uptime());
    return silentMs === undefined ? null : Math.round(this.now() - silentMs);
  }

  disconnect(host: string, code: CloseName): void {
    this.#hosts.get(host)?.refuse(code, 'an operator decided so');
  }

  /** How long hosts should take to come back, together: longer than it takes to let all of them in. */
  spreadMs(): number {
    return Math.round(Math.max(minSpreadMs, (1200 * this.#hosts.size) / this.#limits.admissionPerSecond));
  }

  /** Resolves when it is the caller's turn to do something long: one a round of the event loop, in the order asked. */
  turn(): Promise<void> {
    return new Promise(resolve => {
      this.#turns.push(resolve);
      if (this.#turns.length === 1) setImmediate(() => this.#nextTurn());
    });
  }

  #nextTurn(): void {
    this.#turns[0]?.();
    this.#turns.shift();
    if (this.#turns.length > 0) setImmediate(() => this.#nextTurn());
  }

  mayResync(host: string): boolean {
    const now = this.uptime();
    if (now - (this.#resyncedAt.get(host) ?? -resyncAgainMs) < resyncAgainMs || !this.#resyncs.take(now)) return false;
    this.#resyncedAt.set(host, now);
    this.count.resyncs++;
    return true;
  }

  /** While the writer has more to do than it gets done, connections with batches are not read. */
  pauseIfBusy(wire: Wire): void {
    const {items, requests} = this.store.queue();
    if (items < maxWaitingItems && requests < maxWaitingRequests) return;
    this.#paused.add(wire);
    wire.pause();
  }

  resumeIfCalm(): void {
    if (this.#paused.size === 0) return;
    const {items, requests} = this.store.queue();
    if (items > maxWaitingItems / 2 || requests > maxWaitingRequests / 2) return;
    for (const wire of this.#paused) wire.resume();
    this.#paused.clear();
  }

  notePresence(presence: Presence): void {
    this.#presence.set(presence.host, {...this.#presence.get(presence.host), ...presence});
  }

  async flushPresence(): Promise<void> {
    for (const host of this.#hosts.keys()) this.notePresence({host, seenAt: this.seenAt(host) ?? this.now()});
    const presence = [...this.#presence.values()];
    this.#presence.clear();
    if (presence.length > 0) await this.store.notePresence(presence);
  }

  /** Says to all that it ends and when to come back, and closes them in waves. Resolves when all are closed. */
  async drain(): Promise<void> {
    const all = [...this.#all];
    const spreadMs = this.spreadMs();
    for (const connection of all) connection.announceEnd(Math.round(Math.random() * spreadMs));
    const wave = Math.max(100, Math.ceil(all.length / drainWaves));
    for (let at = 0; at < all.length; at += wave) {
      if (at > 0) await new Promise(resolve => setTimeout(resolve, drainMs / drainWaves));
      for (const connection of all.slice(at, at + wave)) connection.wire.end();
    }
    const deadline = limits.closeMs / 2;
    await Promise.race([
      Promise.all(all.map(connection => connection.wire.closed)),
      new Promise(resolve => setTimeout(resolve, deadline)),
    ]);
    for (const connection of this.#all) connection.wire.terminate();
    await this.flushPresence().catch(() => {});
    this.wheel.stop();
    this.#lag.disable();
  }

  counters(): Counters {
    const lag = (nanoseconds: number) => (Number.isFinite(nanoseconds) ? nanoseconds / 1e6 : 0);
    const {mean, max} = this.#lag;
    return {
      ...this.count,
      sockets: this.sockets(),
      strangers: this.strangers(),
      hosts: this.#hosts.size,
      storeQueue: this.store.queue().requests,
      eventLoopLagMs: {mean: lag(mean), p99: lag(this.#lag.percentile(99)), max: lag(max)},
    };
  }
}
