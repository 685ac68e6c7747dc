import type {Socket} from 'node:net';
import {limits} from '../protocol/limits.ts';

export type StrangerLimits = {
  /** Sockets in all, hosts among them. */
  maxConnections: number;
  /** Sockets that did not say a right hello yet: in all, and of one address. */
  maxStrangers: number;
  maxStrangersPerAddress: number;
};

/** A stranger younger than this is probably busy with its handshake, on a machine that is busy with many. */
const settleMs = 1_000;

type Stranger = {socket: Socket; address: string; since: number; isUpgraded: boolean};

/**
 * Sockets whose peer has not shown who it is. They are cheap to open, so their number is bounded, in all and an address:
 * beyond that the oldest goes, which stalls, and where all are young the new one does.
 */
export class Strangers {
  readonly #limits: StrangerLimits;
  readonly #now: () => number;
  readonly #onEvicted: () => void;
  readonly #strangers = new Map<string, Stranger>();
  readonly #byAddress = new Map<string, Set<string>>();
  #sockets = 0;

  constructor(limits: StrangerLimits, now: () => number, onEvicted: () => void) {
    this.#limits = limits;
    this.#now = now;
    this.#onEvicted = onEvicted;
  }

  get size(): number {
    return this.#strangers.size;
  }

  get sockets(): number {
    return this.#sockets;
  }

  /** Takes a socket in; false when it was ended instead. */
  admit(socket: Socket): boolean {
    const address = socket.remoteAddress;
    if (address === undefined) {
      socket.destroy();
      return false;
    }
    const own = this.#byAddress.get(address) ?? new Set();
    const fits =
      this.#sockets < this.#limits.maxConnections &&
      (own.size < this.#limits.maxStrangersPerAddress || this.#evict(own)) &&
      (this.#strangers.size < this.#limits.maxStrangers || this.#evict(this.#strangers.keys()));
    if (!fits) {
      this.#onEvicted();
      socket.destroy();
      return false;
    }
    const id = socketId(socket);
    this.#strangers.set(id, {socket, address, since: this.#now(), isUpgraded: false});
    own.add(id);
    this.#byAddress.set(address, own);
    this.#sockets++;
    socket.once('close', () => {
      this.#sockets--;
      this.forget(id);
    });
    return true;
  }

  /** It speaks WebSocket now, and has a time limit of its own from here on. */
  upgraded(id: string): void {
    const stranger = this.#strangers.get(id);
    if (stranger !== undefined) stranger.isUpgraded = true;
  }

  /** Ends those that did not get as far as the upgrade in time, however far they got. */
  sweep(): void {
    const before = this.#now() - limits.handshakeMs;
    for (const {socket, since, isUpgraded} of this.#strangers.values()) {
      if (since > before) return;
      if (!isUpgraded) socket.destroy();
    }
  }

  /** Its peer said who it is, or it is closed. */
  forget(id: string): void {
    const stranger = this.#strangers.get(id);
    if (stranger === undefined) return;
    this.#strangers.delete(id);
    const own = this.#byAddress.get(stranger.address);
    own?.delete(id);
    if (own?.size === 0) this.#byAddress.delete(stranger.address);
  }

  #evict(ids: Iterable<string>): boolean {
    const [oldest] = ids;
    const stranger = oldest === undefined ? undefined : this.#strangers.get(oldest);
    if (oldest === undefined || stranger === undefined || this.#now() - stranger.since < settleMs) return false;
    this.#onEvicted();
    this.forget(oldest);
    stranger.socket.destroy();
    return true;
  }
}

/** Names a socket of one listener, the same for the TCP socket and for the TLS socket upon it. */
export const socketId = ({remoteAddress, remotePort}: Pick<Socket, 'remoteAddress' | 'remotePort'>): string =>
  `${remoteAddress} ${remotePort}`;
