import type {Socket} from 'node:net';
import {encodeFrame, FrameReader} from './frames.ts';

/** Of one peer. Times are milliseconds. */
export type ConnectionLimits = {
  /** The longest message that it may send. */
  maxBytes: number;
  /** How long a message may take from its first byte to its last, and the peer to read what was sent to it. */
  stallMs: number;
  /** How many messages at once, and how many a second after that. What comes faster waits unread. */
  burst: number;
  perSecond: number;
};

/**
 * Frames over a local socket. Messages are handed on one at a time, and none while the peer leaves unread what was sent
 * to it or is ahead of its rate: so neither side's memory grows with what the other does.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #limits: ConnectionLimits;
  readonly #reader: FrameReader;
  readonly #onMessage: (value: unknown) => void;
  readonly #waiting: unknown[] = [];
  #credit: number;
  #creditAt = performance.now();
  #paused = false;
  #ended = false;
  #stall: NodeJS.Timeout | null = null;
  #refill: NodeJS.Timeout | null = null;
  #reason: string | null = null;
  /** Why it ended: what was wrong with the peer, or null when it went or was let go. */
  readonly closed: Promise<string | null>;

  constructor(socket: Socket, limits: ConnectionLimits, onMessage: (value: unknown) => void) {
    this.#socket = socket;
    this.#limits = limits;
    this.#reader = new FrameReader(limits.maxBytes);
    this.#onMessage = onMessage;
    this.#credit = limits.burst;
    this.closed = new Promise(resolve => {
      socket.once('close', () => {
        this.#ended = true;
        this.#clearTimers();
        resolve(this.#reason);
      });
    });
    socket.on('error', () => socket.destroy());
    socket.on('data', chunk => this.#take(chunk));
    socket.on('drain', () => {
      this.#forgetStall();
      this.#pump();
    });
  }

  get isOpen(): boolean {
    return !this.#ended;
  }

  send(value: unknown): void {
    if (this.#ended) return;
    this.#socket.write(encodeFrame(value));
    this.#watchStall();
  }

  /** Resolves when the peer may be sent more, or is gone. */
  async sendSlowly(value: unknown): Promise<void> {
    this.send(value);
    if (this.#ended || !this.#socket.writableNeedDrain) return;
    await Promise.race([new Promise(resolve => this.#socket.once('drain', resolve)), this.closed]);
  }

  /** Lets the peer read what was sent, then closes. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#waiting.length = 0;
    this.#socket.end(() => this.#socket.destroy());
    this.#watchStall();
  }

  /** Closes at once, because of what the peer did. */
  refuse(reason: string): void {
    this.#reason ??= reason;
    this.#ended = true;
    this.#socket.destroy();
  }

  #take(chunk: Uint8Array): void {
    if (this.#ended) return;
    const read = this.#reader.push(chunk);
    if (!read.ok) {
      this.refuse(read.reason);
      return;
    }
    if (read.values.length > 0) this.#forgetStall();
    this.#waiting.push(...read.values);
    this.#pump();
  }

  #pump(): void {
    while (!this.#ended && this.#waiting.length > 0 && !this.#socket.writableNeedDrain && this.#mayTake())
      this.#onMessage(this.#waiting.shift());
    const pause = this.#waiting.length > 0;
    if (pause !== this.#paused && !this.#ended) {
      this.#paused = pause;
      if (pause) this.#socket.pause();
      else this.#socket.resume();
    }
    this.#watchStall();
  }

  #mayTake(): boolean {
    const {burst, perSecond} = this.#limits;
    const now = performance.now();
    this.#credit = Math.min(burst, this.#credit + ((now - this.#creditAt) * perSecond) / 1000);
    this.#creditAt = now;
    if (this.#credit >= 1) {
      this.#credit--;
      return true;
    }
    this.#refill ??= setTimeout(
      () => {
        this.#refill = null;
        this.#pump();
      },
      Math.ceil(((1 - this.#credit) * 1000) / perSecond),
    );
    return false;
  }

  /** Runs while something is half read or unsent, and anew whenever it moves. */
  #watchStall(): void {
    const owed = this.#socket.writableLength > 0 || (this.#reader.isInFrame && this.#waiting.length === 0);
    if (!owed) this.#forgetStall();
    else
      this.#stall ??= setTimeout(
        () => this.refuse('the peer stalled in the middle of a message'),
        this.#limits.stallMs,
      );
  }

  #forgetStall(): void {
    if (this.#stall !== null) clearTimeout(this.#stall);
    this.#stall = null;
  }

  #clearTimers(): void {
    this.#forgetStall();
    if (this.#refill !== null) clearTimeout(this.#refill);
  }
}
