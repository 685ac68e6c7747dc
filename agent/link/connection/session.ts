import type {RawData, WebSocket} from 'ws';
import {type CloseName, closeCodes} from '../../../controller/protocol/close-codes.ts';
import {decodeMessage, encodeMessage} from '../../../controller/protocol/codec.ts';
import {limits} from '../../../controller/protocol/limits.ts';
import {type FromController, type FromHost, fromController} from '../../../controller/protocol/messages.ts';
import type {Clock} from '../clock.ts';
import {LinkProblem, type ProblemCode, shorten} from '../problem.ts';
import {Allowance} from './allowance.ts';
import type {Ended} from './backoff.ts';

type Name = FromController['t'];
type Phase = 'greeting' | 'enrolling' | 'proving' | 'open';

/** When each message may come. One that is not in its row, or comes a second time, ends the connection. */
const turns: {[N in Name]: {phases: readonly Phase[]; once?: true}} = {
  challenge: {phases: ['greeting'], once: true},
  enrolled: {phases: ['enrolling'], once: true},
  welcome: {phases: ['proving'], once: true},
  ack: {phases: ['open']},
  kept: {phases: ['open']},
  heartbeat: {phases: ['open']},
  resync: {phases: ['open']},
  drain: {phases: ['open']},
  /** The link never asks for a rotation. */
  rotated: {phases: []},
  error: {phases: ['greeting', 'enrolling', 'proving', 'open']},
};

/** Bounds of time, milliseconds; tests give shorter ones. */
export type SessionTimes = {
  /** From the upgrade to the welcome. */
  greetingMs: number;
  /** Without a frame of the controller. */
  deadMs: number;
};
export const sessionTimes: SessionTimes = {greetingMs: 3 * limits.helloMs, deadMs: limits.deadMs};

export type SessionEvents = {
  onMessage(message: Exclude<FromController, {t: 'error' | 'rotated'}>): void;
  /** Once, after everything else. */
  onEnd(ended: Ended): void;
};

/**
 * One connection: frames to messages in their phases, its heartbeat, its bounds, its end. What the messages mean is the
 * business of whoever listens.
 */
export class Session {
  readonly #ws: WebSocket;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #times: SessionTimes;
  readonly #events: SessionEvents;
  readonly #seen = new Set<Name>();
  readonly #messages: Allowance;
  #phase: Phase = 'greeting';
  #problem: LinkProblem | null = null;
  #openedAt: number | null = null;
  #spreadMs = 0;
  #drainMs: number | null = null;
  #heartbeatMs: number = limits.heartbeatMs;
  #heartbeat: () => void = () => {};
  #cancelBeat: () => void = () => {};
  #cancelDead: () => void = () => {};
  #cancelGreeting: () => void;
  #cancelEnd: () => void = () => {};
  #ended = false;

  constructor(ws: WebSocket, events: SessionEvents, clock: Clock, random: () => number, times: SessionTimes) {
    this.#ws = ws;
    this.#events = events;
    this.#clock = clock;
    this.#random = random;
    this.#times = times;
    this.#messages = new Allowance(clock);
    ws.on('message', (data, isBinary) => this.#received(data, isBinary));
    ws.on('ping', data => this.#pinged(data));
    ws.on('pong', () => this.#heard());
    ws.on('error', error =>
      this.#note('PROTOCOL', `the controller broke the protocol: ${shorten(error.message, 200)}`),
    );
    ws.on('close', (code, reason) => this.#closed(code, reason.toString('utf8')));
    this.#cancelGreeting = clock.after(times.greetingMs, () =>
      this.end('SILENT', `the controller did not greet in ${times.greetingMs} ms`),
    );
    this.#heard();
    ws.resume();
  }

  get isOpen(): boolean {
    return this.#phase === 'open' && !this.isEnding;
  }

  get isEnding(): boolean {
    return this.#ended || this.#problem !== null;
  }

  /** Whether more may be put before the socket; beyond `sendHard` the connection ends. */
  get mayQueue(): boolean {
    return this.#ws.bufferedAmount <= limits.sendSoft;
  }

  /** Sends a message, and moves on to the phase in which its answer may come. */
  send(message: FromHost): void {
    if (this.isEnding) return;
    if (message.t === 'enrol') this.#phase = 'enrolling';
    if (message.t === 'hello') this.#phase = 'proving';
    this.#ws.send(encodeMessage(message), () => {});
    if (this.#ws.bufferedAmount > limits.sendHard) this.end('SLOW', 'the controller does not read');
    else if (this.#phase === 'open') this.#planBeat();
  }

  /** Calls `beat`, which sends a heartbeat, whenever nothing else was sent for `heartbeatMs` ± 10 %. */
  startHeartbeats(beat: () => void): void {
    this.#heartbeat = beat;
    this.#planBeat();
  }

  #planBeat(): void {
    this.#cancelBeat();
    const ms = this.#heartbeatMs * (0.9 + 0.2 * this.#random());
    this.#cancelBeat = this.#clock.after(ms, () => {
      this.#planBeat();
      this.#heartbeat();
    });
  }

  /** Ends the connection, saying why with a close code where there is one. */
  end(code: ProblemCode, message: string): void {
    if (!this.#note(code, message)) return;
    const row = Object.hasOwn(closeCodes, code) ? closeCodes[code as CloseName] : null;
    this.#ws.close(row?.close ?? 1000, row === null ? '' : code);
    // What still comes is read and thrown away until the peer has closed too, but not for long, and not if it is much.
    this.#cancelEnd();
    this.#cancelEnd = this.#clock.after(limits.closeMs, () => this.#ws.terminate());
    if (this.#ws.bufferedAmount > limits.sendSoft) this.#ws.terminate();
  }

  /** The first reason counts. */
  #note(code: ProblemCode, message: string, retryAfterMs: number | null = null): boolean {
    if (this.isEnding) return false;
    this.#problem = new LinkProblem(code, message, {retryAfterMs});
    return true;
  }

  #heard(): void {
    this.#cancelDead();
    this.#cancelDead = this.#clock.after(this.#times.deadMs, () => {
      this.#note('SILENT', `nothing came for ${this.#times.deadMs} ms`);
      this.#ws.terminate();
    });
  }

  #pinged(data: Buffer): void {
    this.#heard();
    if (!this.#mayRead()) return;
    if (this.mayQueue && !this.isEnding) this.#ws.pong(data, true, () => {});
  }

  /** A peer that says more than any controller has to say is cut off. */
  #mayRead(): boolean {
    if (this.#messages.take()) return true;
    this.#note('BUSY', 'the controller sent far more than it has to');
    this.#ws.terminate();
    return false;
  }

  #received(data: RawData, isBinary: boolean): void {
    if (this.isEnding) return;
    this.#heard();
    if (!this.#mayRead()) return;
    if (isBinary) {
      this.end('PROTOCOL', 'a binary frame');
      return;
    }
    const decoded = decodeMessage(fromController, data.toString());
    if (!decoded.ok) {
      this.end(decoded.code, decoded.reason);
      return;
    }
    const message = decoded.value as FromController;
    const {phases, once} = turns[message.t];
    if (!phases.includes(this.#phase) || (once === true && this.#seen.has(message.t))) {
      this.end('PROTOCOL', `"${message.t}" came out of turn`);
      return;
    }
    this.#seen.add(message.t);
    if (message.t === 'error') this.#refused(message.b);
    else if (message.t !== 'rotated') this.#taken(message);
  }

  #taken(message: Exclude<FromController, {t: 'error' | 'rotated'}>): void {
    if (message.t === 'welcome') {
      this.#cancelGreeting();
      this.#phase = 'open';
      this.#openedAt = this.#clock.monotonic();
      this.#spreadMs = message.b.spreadMs;
      this.#heartbeatMs = message.b.heartbeatMs;
    } else if (message.t === 'drain') this.#drainMs = message.b.afterMs;
    this.#events.onMessage(message);
  }

  #refused({code, message, retryAfterMs}: Extract<FromController, {t: 'error'}>['b']): void {
    const known = Object.hasOwn(closeCodes, code) ? (code as CloseName) : 'PROTOCOL';
    this.#note(known, `the controller refused: ${shorten(message)}`, retryAfterMs ?? null);
    this.#cancelEnd = this.#clock.after(limits.closeMs, () => this.#ws.terminate());
  }

  #closed(closeCode: number, reason: string): void {
    if (this.#ended) return;
    const name = (Object.keys(closeCodes) as CloseName[]).find(key => closeCodes[key].close === closeCode);
    this.#note(name ?? 'CLOSED', name === undefined ? closedText(closeCode, reason) : closeCodes[name].text);
    this.#ended = true;
    for (const cancel of [this.#cancelBeat, this.#cancelDead, this.#cancelGreeting, this.#cancelEnd]) cancel();
    this.#events.onEnd({
      problem: this.#problem as LinkProblem,
      openMs: this.#openedAt === null ? null : this.#clock.monotonic() - this.#openedAt,
      spreadMs: this.#spreadMs,
      drainMs: this.#drainMs,
    });
  }
}

const closedText = (code: number, reason: string) =>
  `the connection ended (${code}${reason === '' ? '' : `, ${shorten(reason, 100)}`})`;
