import type {ControllerPlace} from '../../ipc/link-messages.ts';
import type {Clock} from '../clock.ts';
import {LinkProblem} from '../problem.ts';
import {Backoff, type Ended} from './backoff.ts';
import type {Line} from './dial.ts';

/** Where to, and who talks there. Targets with one `key` are the same: going for it again changes nothing. */
export type Target = {
  key: string;
  place: ControllerPlace;
  /** Takes over a line; `onEnd` is to be called once when it is over. */
  attach(line: Line, onEnd: (ended: Ended) => void): {close(): void};
  /** A try or a session ended; false: no further try. */
  onTrouble(problem: LinkProblem): boolean;
};

/** Keeps a session with the target, and comes back after it was lost (PROTOCOL.md, "Coming back"). */
export class Connector {
  readonly #dial: (place: ControllerPlace, signal: AbortSignal) => Promise<Line>;
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  readonly #onChange: () => void;
  #target: Target | null = null;
  #session: {close(): void} | null = null;
  #dialling: AbortController | null = null;
  #cancelTry: () => void = () => {};
  /** Wall-clock milliseconds of the next try, null when none is planned. For status alone. */
  nextTryAt: number | null = null;

  constructor(
    dial: (place: ControllerPlace, signal: AbortSignal) => Promise<Line>,
    clock: Clock,
    random: () => number,
    onChange: () => void,
  ) {
    this.#dial = dial;
    this.#clock = clock;
    this.#backoff = new Backoff(random);
    this.#onChange = onChange;
  }

  /** Goes for another target, at once; null: for none. */
  aim(target: Target | null): void {
    if (target?.key === this.#target?.key) return;
    this.#target = target;
    this.#drop();
    this.#backoff.reset();
    if (target !== null) this.#try(target);
  }

  /** The session that is there goes on as that with `target`. */
  adopt(target: Target): void {
    this.#target = target;
  }

  #drop(): void {
    this.#cancelTry();
    this.#dialling?.abort();
    this.#dialling = null;
    this.nextTryAt = null;
    const session = this.#session;
    this.#session = null;
    session?.close();
  }

  #try(target: Target): void {
    this.nextTryAt = null;
    const dialling = new AbortController();
    this.#dialling = dialling;
    this.#dial(target.place, dialling.signal).then(
      line => {
        if (dialling.signal.aborted) {
          line.ws.terminate();
          return;
        }
        this.#dialling = null;
        const session = target.attach(line, ended => {
          if (this.#session === session) this.#ended(ended);
        });
        this.#session = session;
      },
      (error: unknown) => {
        if (dialling.signal.aborted) return;
        this.#dialling = null;
        const problem = error instanceof LinkProblem ? error : new LinkProblem('CLOSED', String(error), {cause: error});
        this.#ended({problem, openMs: null, spreadMs: 0, drainMs: null});
      },
    );
  }

  #ended(ended: Ended): void {
    this.#session = null;
    const delay = this.#backoff.delayAfter(ended);
    const target = this.#target;
    if (target?.onTrouble(ended.problem) !== true || target !== this.#target) return;
    this.nextTryAt = this.#clock.wall() + delay;
    this.#cancelTry = this.#clock.after(delay, () => this.#try(target));
    this.#onChange();
  }
}
