import {readJoinTicket} from '../../controller/protocol/join.ts';
import {ReeveError} from '../errors.ts';
import type {ControllerPlace, FromAgent} from '../ipc/link-messages.ts';
import type {Enrolment, Identity} from './keys/enrolment.ts';
import type {HostKey} from './keys/host-key.ts';

/** How long the controller may take to answer, the connection included. */
const limitMs = 60_000;

type Opened = {place: Omit<ControllerPlace, 'proxy' | 'tlsEndsAtProxy'>; token: string; key: HostKey};
type Setup = Extract<FromAgent, {t: 'setup'}>;

/**
 * The one enrolment that root began and the controller has not answered yet. `onChange` is told when one opens or closes,
 * `onEnrolled` before its caller learns that it went well. `isLinked` says whether there is a link to carry it.
 */
export class Enrolling {
  readonly #identity: Identity;
  readonly #onChange: () => void;
  readonly #onEnrolled: () => void;
  readonly #isLinked: () => boolean;
  readonly #limitMs: number;
  #open: (Opened & {resolve: (enrolment: Enrolment) => void; reject: (error: ReeveError) => void}) | null = null;

  constructor(
    identity: Identity,
    {onChange, onEnrolled, isLinked}: {onChange: () => void; onEnrolled: () => void; isLinked: () => boolean},
    ms = limitMs,
  ) {
    this.#identity = identity;
    this.#onChange = onChange;
    this.#onEnrolled = onEnrolled;
    this.#isLinked = isLinked;
    this.#limitMs = ms;
  }

  get open(): Opened | null {
    return this.#open;
  }

  /** Resolves when the controller took this host. */
  async begin(ticket: string, replace: boolean): Promise<Enrolment> {
    const read = readJoinTicket(ticket);
    if (read === null)
      throw new ReeveError(
        'REEVE_TICKET_INVALID',
        'this is no ticket of a controller, or one that was cut or mistyped',
      );
    const {enrolment} = this.#identity;
    if (enrolment !== null && !replace)
      throw new ReeveError('REEVE_ENROLLED_ALREADY', `this host is enrolled at ${enrolment.url} already`);
    if (this.#open !== null) throw new ReeveError('REEVE_ENROL_FAILED', 'another enrolment is under way');
    const {url, pins, fleet, token} = read;
    const key = this.#identity.keyToEnrol(enrolment !== null);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.failed('', this.#silence(url)), this.#limitMs);
      const closing =
        <T>(settle: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          this.#open = null;
          settle(value);
          this.#onChange();
        };
      this.#open = {place: {url, pins, fleet}, token, key, resolve: closing(resolve), reject: closing(reject)};
      this.#onChange();
    });
  }

  #silence(url: string): string {
    const seconds = this.#limitMs / 1000;
    return this.#isLinked()
      ? `the controller at ${url} did not answer within ${seconds} s`
      : `no link was running for ${seconds} s to carry the ticket to ${url}: start reeve link, or look at its log`;
  }

  enrolled(agent: string): void {
    if (this.#open === null) return;
    const {place, key, resolve, reject} = this.#open;
    const enrolment = {...place, agent};
    try {
      this.#identity.enrol(enrolment, key);
    } catch (cause) {
      reject(
        new ReeveError('REEVE_ENROL_FAILED', `the enrolment cannot be written: ${(cause as Error).message}`, {cause}),
      );
      return;
    }
    this.#onEnrolled();
    resolve(enrolment);
  }

  failed(code: string, message: string): void {
    this.#open?.reject(new ReeveError('REEVE_ENROL_FAILED', code === '' ? message : `${message} [${code}]`));
  }

  /** What `setup` says of it. */
  setup(link: Pick<ControllerPlace, 'proxy' | 'tlsEndsAtProxy'>): Setup['enrol'] {
    return this.#open === null ? null : {place: {...this.#open.place, ...link}, token: this.#open.token};
  }
}
