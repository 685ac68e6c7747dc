import {connect, type Socket} from 'node:net';
import type {TSchema} from 'typebox';
import type {Log} from '../../controller/protocol/log.ts';
import {hasShape} from '../../controller/protocol/shape.ts';
import {encodeFrame, FrameReader} from '../ipc/frames.ts';
import {type FromAgent, type FromLink, fromAgent} from '../ipc/link-messages.ts';
import type {Clock} from './clock.ts';
import {LinkProblem, shorten} from './problem.ts';
import {QuietLog} from './quiet-log.ts';

/** Milliseconds between tries: short, because the socket is on this machine. */
const firstDelayMs = 250;
const longestDelayMs = 5000;
/** A connection that lasts this long is a good one: the next delay is short again. */
const stableMs = 10_000;
/** Until then it starts, or is started again: nothing to warn of. */
const startingMs = 10_000;

export type AgentSocketEvents = {
  onConnect(): void;
  onMessage(message: FromAgent): void;
  onDisconnect(why: string): void;
};

/**
 * The connection to the agent, for ever: lost, it is made again. What comes is held to its schema, because the agent is
 * trusted but may be of another version; a message that is none ends the connection.
 */
export class AgentSocket {
  readonly #path: string;
  readonly #events: AgentSocketEvents;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #quiet: QuietLog;
  #socket: Socket | null = null;
  #connected = false;
  #failures = 0;
  #cancelStable: () => void = () => {};
  #cancelTry: () => void = () => {};
  #stopped = false;

  constructor(path: string, events: AgentSocketEvents, clock: Clock, log: Log) {
    this.#path = path;
    this.#events = events;
    this.#clock = clock;
    this.#log = log;
    this.#quiet = new QuietLog(log, clock, 'no connection to the agent; trying again', startingMs);
  }

  start(): void {
    if (this.#stopped) return;
    const socket = connect({path: this.#path});
    this.#socket = socket;
    const reader = new FrameReader();
    let reason = 'the agent ended the connection';
    socket.on('connect', () => {
      this.#connected = true;
      this.#cancelStable = this.#clock.after(stableMs, () => {
        this.#failures = 0;
        this.#quiet.over();
        this.#log('info', 'connected to the agent');
      });
      this.send({t: 'ready', pid: process.pid});
      this.#events.onConnect();
    });
    socket.on('data', chunk => {
      const read = reader.push(chunk);
      const bad = read.ok ? read.values.find(value => !isFromAgent(value)) : undefined;
      if (!read.ok || bad !== undefined) {
        reason = read.ok ? `the agent said what this link does not know: ${nameOf(bad)}` : read.reason;
        socket.destroy();
        return;
      }
      for (const value of read.values) {
        if (this.#socket !== socket || socket.destroyed) return;
        this.#events.onMessage(value as FromAgent);
      }
    });
    socket.on('error', error => {
      reason = error.message;
    });
    socket.on('close', () => {
      if (this.#socket === socket) this.#lost(reason);
    });
  }

  #lost(reason: string): void {
    const wasConnected = this.#connected;
    this.#connected = false;
    this.#socket = null;
    this.#cancelStable();
    this.#quiet.trouble(new LinkProblem('AGENT_AWAY', shorten(reason)));
    if (wasConnected) this.#events.onDisconnect(reason);
    const delay = Math.min(longestDelayMs, firstDelayMs * 2 ** this.#failures++);
    this.#cancelTry = this.#clock.after(delay, () => this.start());
  }

  /** Dropped when there is no connection: after a new one everything is said anew. */
  send(message: FromLink): void {
    if (this.#connected) this.#socket?.write(encodeFrame(message));
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelStable();
    this.#cancelTry();
    this.#socket?.destroy();
    this.#socket = null;
    this.#connected = false;
  }
}

function isFromAgent(value: unknown): boolean {
  const name = nameOf(value);
  return Object.hasOwn(fromAgent, name) && hasShape(fromAgent[name as keyof typeof fromAgent] as TSchema, value);
}

function nameOf(value: unknown): string {
  const t = typeof value === 'object' && value !== null ? (value as {t?: unknown}).t : undefined;
  return typeof t === 'string' ? shorten(t, 40) : 'a message without a name';
}
