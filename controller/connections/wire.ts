import type {RawData, WebSocket} from 'ws';
import {type CloseName, closeCodes, closeRestart} from '../protocol/close-codes.ts';
import {encodeMessage} from '../protocol/codec.ts';
import {limits} from '../protocol/limits.ts';
import type {FromController} from '../protocol/messages.ts';
import {Bucket} from './bucket.ts';
import type {Hub} from './hub.ts';

/** Frames a second, pings among them, that are read of one peer; the rest waits in its socket. */
const framesPerSecond = 500;
export const waitAfterFramesMs = 1_000;

export type WireListener = {
  /** The text of a frame. */
  onText(text: string): void;
  /** More was said than is read in a second: reading goes on with `resume()`. */
  onFlood(): void;
  onClosed(): void;
};

/** The frames of one WebSocket: what is sent, within what waits; what is read, within a rate; and how it ends. */
export class Wire {
  readonly closed: Promise<void>;
  readonly #hub: Hub;
  readonly #ws: WebSocket;
  readonly #address: string;
  readonly #listener: WireListener;
  readonly #frames: Bucket;
  #heardAt: number;
  #saidAt: number;
  #isPaused = false;
  #isEnded = false;
  /** Whose it is, for the log, once that is known. */
  host: string | null = null;

  constructor(hub: Hub, ws: WebSocket, address: string, listener: WireListener) {
    this.#hub = hub;
    this.#ws = ws;
    this.#address = address;
    this.#listener = listener;
    const now = hub.uptime();
    this.#heardAt = now;
    this.#saidAt = now;
    this.#frames = new Bucket(framesPerSecond, framesPerSecond, now);
    this.closed = new Promise(resolve => ws.once('close', () => resolve()));
    ws.on('message', (data, isBinary) => this.#receive(data, isBinary));
    ws.on('ping', data => this.#pong(data));
    ws.on('pong', () => this.#hear());
    ws.on('error', error => this.#broken(error));
    ws.on('close', () => {
      this.#isEnded = true;
      listener.onClosed();
    });
  }

  /** Nothing is read and nothing said any more. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  silentMs(now: number): number {
    return now - this.#heardAt;
  }

  unsaidMs(now: number): number {
    return now - this.#saidAt;
  }

  /** Whether what was sent is not read, so that nothing should be added that can be left out. */
  get isSlow(): boolean {
    return this.#ws.bufferedAmount > limits.sendSoft;
  }

  send(message: FromController): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    if (this.#ws.bufferedAmount > limits.sendHard) {
      this.#count('SLOW', 'it does not read what it is sent');
      this.#ws.terminate();
      return;
    }
    this.#saidAt = this.#hub.uptime();
    this.#ws.send(encodeMessage(message));
  }

  ping(): void {
    this.#ws.ping();
  }

  /** Says why, and ends the connection. */
  refuse(code: CloseName, reason: string, retryAfterMs?: number): void {
    if (this.#isEnded) return;
    this.#count(code, reason);
    const after = retryAfterMs === undefined ? {} : {retryAfterMs: Math.min(3_600_000, retryAfterMs)};
    this.send({t: 'error', b: {code, message: reason.slice(0, 400), ...after}});
    this.#close(closeCodes[code].close, code);
  }

  /** A planned end. */
  end(): void {
    this.#close(closeRestart, 'restart');
  }

  terminate(): void {
    this.#ws.terminate();
  }

  pause(): void {
    this.#isPaused = true;
    this.#ws.pause();
  }

  /** What was said meanwhile was not read, so silence begins now. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#heardAt = this.#hub.uptime();
    this.#ws.resume();
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (this.#isEnded) return;
    this.#hear();
    // One buffer, since that is what `binaryType` says when nobody changes it.
    const bytes = data as Buffer;
    this.#hub.count.receivedBytes += bytes.length;
    if (isBinary) this.refuse('PROTOCOL', 'a frame is text');
    else this.#listener.onText(bytes.toString('utf8'));
  }

  #hear(): void {
    const now = this.#hub.uptime();
    this.#heardAt = now;
    if (this.#frames.take(now) || this.#isPaused) return;
    this.pause();
    this.#listener.onFlood();
  }

  #pong(data: Buffer): void {
    this.#hear();
    if (this.#ws.readyState === this.#ws.OPEN && !this.isSlow) this.#ws.pong(data);
  }

  #close(code: number, name: string): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#ws.resume();
    this.#ws.close(code, name);
    this.#listener.onClosed();
  }

  /** What ws itself found wrong with the frames, and closes the connection for. */
  #broken(error: Error & {code?: string}): void {
    if (this.#isEnded || error.code?.startsWith('WS_ERR') !== true) return;
    this.#count(tooLarge.has(error.code) ? 'TOO_LARGE' : 'PROTOCOL', error.message);
  }

  #count(code: CloseName, reason: string): void {
    const {refused} = this.#hub.count;
    refused[code] = (refused[code] ?? 0) + 1;
    this.#hub.log('info', 'connection refused', {code, reason, address: this.#address, host: this.host});
  }
}

const tooLarge = new Set(['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 'WS_ERR_TOO_MANY_BUFFERED_PARTS']);
