import type {Static} from 'typebox';
import type {FromAgent, fromLink} from '../ipc/link-messages.ts';
import type {Clock} from './clock.ts';
import {LinkProblem, shorten} from './problem.ts';

type SignRequest = Static<typeof fromLink.sign>;
type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;
/** What the agent is asked to prove: that it holds the host key, on this connection. */
export type Claim = WithoutId<SignRequest>;

/** Asks the agent for signatures; the host key never leaves it. */
export class Signer {
  readonly #send: (request: {t: 'sign'} & SignRequest) => void;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #waiting = new Map<number, (answer: Extract<FromAgent, {t: 'signed'}> | null) => void>();
  #lastId = 0;

  constructor(send: (request: {t: 'sign'} & SignRequest) => void, clock: Clock, timeoutMs: number) {
    this.#send = send;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** The signature, base64. Rejects with AGENT_AWAY without an answer in time, AGENT_REFUSED when there is none. */
  async sign(claim: Claim): Promise<string> {
    const id = ++this.#lastId;
    const answer = await new Promise<Extract<FromAgent, {t: 'signed'}> | null>(resolve => {
      const cancel = this.#clock.after(this.#timeoutMs, () => this.#settle(id, null));
      this.#waiting.set(id, value => {
        cancel();
        resolve(value);
      });
      this.#send({t: 'sign', id, ...claim});
    });
    if (answer === null) throw new LinkProblem('AGENT_AWAY', 'the agent did not sign in time');
    if (answer.signature === null)
      throw new LinkProblem('AGENT_REFUSED', `the agent did not sign: ${shorten(answer.reason ?? 'no reason given')}`);
    return answer.signature;
  }

  answered(answer: Extract<FromAgent, {t: 'signed'}>): void {
    this.#settle(answer.id, answer);
  }

  /** The connection to the agent is gone: nobody will answer. */
  lost(): void {
    for (const id of [...this.#waiting.keys()]) this.#settle(id, null);
  }

  #settle(id: number, answer: Extract<FromAgent, {t: 'signed'}> | null): void {
    const settle = this.#waiting.get(id);
    this.#waiting.delete(id);
    settle?.(answer);
  }
}
