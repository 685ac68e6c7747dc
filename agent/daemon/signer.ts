import {enrolBytes, helloBytes, signEd25519} from '../../controller/protocol/signing.ts';
import type {FromAgent} from '../ipc/link-messages.ts';
import type {Enrolling} from './enrolling.ts';
import type {Identity} from './keys/enrolment.ts';
import type {SignRequest} from './sockets/link.ts';

type Signed = Omit<Extract<FromAgent, {t: 'signed'}>, 't'>;

/** Signatures that a link may have at once, and one more after each so many milliseconds. */
const burst = 20;
const refillMs = 1_000;

/**
 * Signs for the link what proves that this host holds its key: hellos and enrolments, never bytes of the link's choice.
 * The link gives nonce and binding; fleet, id and key are ours. A link that was taken over can say hello for this host as
 * long as it runs here, and takes nothing away that lasts.
 */
export class Signer {
  readonly #identity: Identity;
  readonly #enrolling: Enrolling;
  readonly #monotonicMs: () => number;
  #credit = burst;
  #creditAt: number;

  constructor(identity: Identity, enrolling: Enrolling, monotonicMs: () => number) {
    this.#identity = identity;
    this.#enrolling = enrolling;
    this.#monotonicMs = monotonicMs;
    this.#creditAt = monotonicMs();
  }

  sign(request: SignRequest): Signed {
    const {id} = request;
    if (!this.#mayTake()) return {id, signature: null, reason: 'too many signatures were asked for'};
    const [nonce, binding] = [Buffer.from(request.nonce, 'base64'), Buffer.from(request.binding, 'base64')];
    if (request.purpose === 'enrol') {
      const {open} = this.#enrolling;
      if (open === null) return {id, signature: null, reason: 'no enrolment is open'};
      const bytes = enrolBytes({fleet: open.place.fleet, publicKey: open.key.public, nonce, binding});
      return {id, signature: signEd25519(bytes, open.key.private).toString('base64')};
    }
    const {enrolment, key} = this.#identity;
    if (enrolment === null) return {id, signature: null, reason: 'this host is not enrolled'};
    const {fleet, agent} = enrolment;
    const bytes = helloBytes({fleet, agent, nonce, binding, join: request.join});
    return {id, signature: signEd25519(bytes, key.private).toString('base64')};
  }

  #mayTake(): boolean {
    const now = this.#monotonicMs();
    this.#credit = Math.min(burst, this.#credit + (now - this.#creditAt) / refillMs);
    this.#creditAt = now;
    if (this.#credit < 1) return false;
    this.#credit--;
    return true;
  }
}
