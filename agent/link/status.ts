import type {LinkStatus} from '../ipc/link-messages.ts';
import type {Clock} from './clock.ts';

/** Milliseconds between two reports to the agent. */
const intervalMs = 1000;

/** Tells the agent how it goes: after a change, at most once a second, and never twice the same. */
export class StatusReport {
  readonly #compose: () => LinkStatus;
  readonly #send: (status: LinkStatus) => void;
  readonly #clock: Clock;
  #cancel: (() => void) | null = null;
  #sentAt: number | null = null;
  #last = '';
  #isStopped = false;

  constructor(compose: () => LinkStatus, send: (status: LinkStatus) => void, clock: Clock) {
    this.#compose = compose;
    this.#send = send;
    this.#clock = clock;
  }

  changed(): void {
    if (this.#isStopped || this.#cancel !== null) return;
    const wait = this.#sentAt === null ? 0 : Math.max(0, this.#sentAt + intervalMs - this.#clock.monotonic());
    this.#cancel = this.#clock.after(wait, () => {
      this.#cancel = null;
      const status = this.#compose();
      const text = JSON.stringify(status);
      if (text === this.#last) return;
      this.#last = text;
      this.#sentAt = this.#clock.monotonic();
      this.#send(status);
    });
  }

  /** Somebody new listens. */
  restart(): void {
    this.#last = '';
    this.changed();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
    this.#cancel = null;
  }
}
