import type {CloseName} from '../protocol/close-codes.ts';

/** What the connections counted since the controller started, for /metrics. */
export type Counters = {
  /** Open now: all sockets; those that did not say a right hello yet; hosts. */
  sockets: number;
  strangers: number;
  hosts: number;
  /** Hellos that were right. */
  accepted: number;
  /** Connections refused before the upgrade, by HTTP status, and sockets that were ended to make room. */
  refusedUpgrades: {[status: string]: number};
  evicted: number;
  /** Connections ended by an `error`, by its code. */
  refused: {[code in CloseName]?: number};
  /** Messages received, by their type. */
  messages: {[type: string]: number};
  batches: number;
  duplicateBatches: number;
  items: number;
  receivedBytes: number;
  resyncs: number;
  /** Whole sets whose digest was not what the host said. */
  settledOtherwise: number;
  /** Requests that wait for the store's writer, now. */
  storeQueue: number;
  eventLoopLagMs: {mean: number; p99: number; max: number};
};

/** What the API knows of the connections. */
export type Liveness = {
  isConnected(host: string): boolean;
  /** When a host was last heard of on the connection that is open, milliseconds since 1970; null when it is not connected. */
  seenAt(host: string): number | null;
  counters(): Counters;
  /** Ends the host's connection, if there is one: after an operator removed or froze it. */
  disconnect(host: string, code: CloseName): void;
};
