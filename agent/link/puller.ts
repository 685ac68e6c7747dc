import type {Position} from '../../controller/protocol/messages.ts';
import type {FromAgent} from '../ipc/link-messages.ts';
import type {Clock} from './clock.ts';
import {LinkProblem} from './problem.ts';
import type {Spool} from './spool/spool.ts';

/** Milliseconds until the agent is asked again for what could not be stored. */
const firstDelayMs = 1000;
const longestDelayMs = 60_000;

export type PullerEvents = {
  ask(after: Position | null): void;
  onStored(): void;
  /** Null: storing works again. */
  onProblem(problem: LinkProblem | null): void;
};

/**
 * Takes batches from the agent into the spool, one at a time. Asking for the next one confirms those before, so the agent
 * is asked only after they are stored, and not at all while the spool has no room: then the agent keeps and compacts them.
 */
export class Puller {
  readonly #spool: Spool;
  readonly #events: PullerEvents;
  readonly #clock: Clock;
  #enabled = false;
  #isAsked = false;
  #failures = 0;
  #cancelRetry: (() => void) | null = null;

  constructor(spool: Spool, events: PullerEvents, clock: Clock) {
    this.#spool = spool;
    this.#events = events;
    this.#clock = clock;
  }

  /** A new connection to the agent, or another enrolment: what was asked before is not answered any more. */
  start(): void {
    this.stop();
    this.#enabled = true;
    this.pull();
  }

  stop(): void {
    this.#enabled = false;
    this.#isAsked = false;
    this.#cancelRetry?.();
    this.#cancelRetry = null;
  }

  /** Asks unless that was done, or there is no room, or storing failed a moment ago. */
  pull(): void {
    if (!this.#enabled || this.#isAsked || this.#cancelRetry !== null || !this.#spool.hasRoom()) return;
    this.#isAsked = true;
    this.#events.ask(this.#spool.position());
  }

  /** The stream goes on somewhere else: asks again, although an answer is open. */
  moved(): void {
    this.#isAsked = false;
    this.pull();
  }

  received(batch: Extract<FromAgent, {t: 'batch'}>): void {
    if (!this.#enabled) return;
    this.#isAsked = false;
    try {
      const sealed = {
        ...batch,
        payload: Buffer.from(batch.payload, 'base64'),
        signature: Buffer.from(batch.signature, 'base64'),
      };
      if (this.#spool.add(sealed, this.#clock.wall())) this.#events.onStored();
    } catch (error) {
      if (!(error instanceof LinkProblem)) throw error;
      this.#retryLater(error);
      return;
    }
    if (this.#failures > 0) this.#events.onProblem(null);
    this.#failures = 0;
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    this.pull();
  }

  #retryLater(problem: LinkProblem): void {
    this.#events.onProblem(problem);
    const delay = Math.min(longestDelayMs, firstDelayMs * 2 ** this.#failures++);
    this.#cancelRetry?.();
    this.#cancelRetry = this.#clock.after(delay, () => {
      this.#cancelRetry = null;
      this.pull();
    });
  }
}
