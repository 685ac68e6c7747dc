import {isToken, tokenHash} from '../protocol/join.ts';
import type {Log} from '../protocol/log.ts';
import type {Store} from '../store/store.ts';
import {FailedAttempts} from './attempts.ts';
import {ApiFailure} from './errors.ts';

export type Scope = 'read' | 'admin';
export type Caller = {name: string; scope: Scope};

/** What the listener knows of a request. The admin socket's file permissions stand for an admin's token. */
export type Bindings = {admin: boolean; remote: string};

/** Tokens that were good lately keep working while somebody at the same address tries wrong ones. */
const maxRemembered = 1_000;
const noteUseMs = 60_000;

/** Who may do what: bearer tokens in the Authorization header, and nothing else. */
export class Access {
  readonly #store: Pick<Store, 'apiToken' | 'noteTokenUse'>;
  readonly #log: Log;
  readonly #attempts = new FailedAttempts();
  /** Hashes of tokens that were good, and when their use was last noted. */
  readonly #good = new Map<string, number>();
  refused = 0;

  constructor(store: Pick<Store, 'apiToken' | 'noteTokenUse'>, log: Log) {
    this.#store = store;
    this.#log = log;
  }

  /** Who asks, when that one has the scope. Every use asks the store, so a revoked token ends at once. */
  async caller(authorization: string | null, {admin, remote}: Bindings, scope: Scope, now: number): Promise<Caller> {
    if (admin) return {name: 'admin socket', scope: 'admin'};
    if (authorization === null) throw unauthorised('TOKEN_MISSING');
    const token = /^Bearer +([\x21-\x7e]{1,200}) *$/i.exec(authorization)?.[1] ?? '';
    const hash = tokenHash(token);
    const waitMs = this.#good.has(hash) ? 0 : this.#attempts.waitMs(remote, now);
    if (waitMs > 0) {
      const seconds = String(Math.ceil(waitMs / 1000));
      throw new ApiFailure('TOO_MANY_ATTEMPTS', undefined, {'Retry-After': seconds});
    }
    const found = isToken('api', token) ? await this.#store.apiToken(token, now) : null;
    if (found === null) {
      this.#good.delete(hash);
      this.#attempts.note(remote, now);
      this.refused++;
      this.#log('debug', 'a token was refused', {remote});
      throw unauthorised('TOKEN_REFUSED');
    }
    this.#noteUse(hash, found.id, now);
    if (scope === 'admin' && found.scope !== 'admin') throw new ApiFailure('SCOPE_TOO_SMALL');
    return {name: `token ${found.name}`, scope: found.scope};
  }

  #noteUse(hash: string, id: string, now: number): void {
    const notedAt = this.#good.get(hash);
    if (notedAt !== undefined && Math.abs(now - notedAt) < noteUseMs) return;
    this.#good.delete(hash);
    this.#good.set(hash, now);
    const [oldest] = this.#good.keys();
    if (this.#good.size > maxRemembered && oldest !== undefined) this.#good.delete(oldest);
    // Nobody waits for it: a full disk must not keep people from reading.
    this.#store.noteTokenUse(id, now).catch(error => {
      this.#log('warning', 'the use of a token was not noted', {reason: (error as Error).message});
    });
  }
}

const unauthorised = (code: 'TOKEN_MISSING' | 'TOKEN_REFUSED') =>
  new ApiFailure(code, undefined, {'WWW-Authenticate': 'Bearer realm="reeve"'});
