import {randomBytes} from 'node:crypto';
import type {CloseName} from '../protocol/close-codes.ts';
import {isToken} from '../protocol/join.ts';
import type {FromHost} from '../protocol/messages.ts';
import {enrolBytes, helloBytes, publicKeyFromRaw, unboundMarker, verifyEd25519} from '../protocol/signing.ts';
import type {KnownHost} from '../store/store.ts';
import type {Hub} from './hub.ts';

type Refusal = {ok: false; code: CloseName; reason: string; retryAfterMs?: number};
const refused = (code: CloseName, reason: string): Refusal => ({ok: false, code, reason});

/** What the host must have signed: that of this very connection. */
export type Session = {nonce: Buffer; exporter: Buffer};

type Body<T extends FromHost['t']> = Extract<FromHost, {t: T}>['b'];

export type Greeted = {ok: true; host: KnownHost; join: string; degraded: boolean} | (Refusal & {cloned?: string});

/** Enrols the holder of a key that showed a good token. */
export async function enrol(
  hub: Hub,
  session: Session,
  body: Body<'enrol'>,
): Promise<{ok: true; agent: string} | Refusal> {
  const binding = boundTo(hub, session, body.binding);
  if (binding === null) return refused('UNAUTHENTICATED', unboundReason);
  const publicKey = Buffer.from(body.publicKey, 'base64');
  const claim = enrolBytes({fleet: hub.fleet, publicKey, nonce: session.nonce, binding});
  if (!isToken('enrol', body.token)) return refused('UNAUTHENTICATED', 'the token is not one, or was cut');
  if (!hub.enrols.take(hub.uptime()))
    return {...refused('BUSY', 'more hosts enrol than are taken at a time'), retryAfterMs: hub.spreadMs()};
  if (!isSigned(claim, body.signature, publicKey))
    return refused('UNAUTHENTICATED', 'the signature of the enrolment is not right');
  const {token, name} = body;
  const outcome = await hub.store.enrol({token, publicKey, name, now: hub.now()});
  if ('id' in outcome) return {ok: true, agent: outcome.id};
  if (outcome.refused === 'frozen') return refused('HOST_FROZEN', 'the host with this key is frozen');
  if (outcome.refused === 'removed') return refused('HOST_UNKNOWN', 'the host with this key was removed');
  return refused('UNAUTHENTICATED', 'the token is unknown, used up, revoked or expired');
}

/** Checks a hello: the host, its signature over this connection, and that no other machine uses its key. */
export async function greet(hub: Hub, session: Session, body: Body<'hello'>): Promise<Greeted> {
  const binding = boundTo(hub, session, body.binding);
  if (binding === null) return refused('UNAUTHENTICATED', unboundReason);
  const host = await hub.store.host(body.agent);
  if (host === null) return refused('HOST_UNKNOWN', 'no host with this id is enrolled');
  const {nonce} = session;
  const claim = helloBytes({fleet: hub.fleet, agent: host.id, nonce, binding, join: body.join});
  if (!isSigned(claim, body.signature, host.publicKey))
    return refused('UNAUTHENTICATED', 'the signature of the hello is not right');
  const next = randomBytes(24).toString('base64url');
  const joined = await hub.store.join(host.id, {shown: body.join, next});
  switch (joined.state) {
    case 'joined': {
      const {position, digest} = joined;
      return {ok: true, host: {...host, position, digest}, join: next, degraded: body.binding === 'proxy'};
    }
    case 'cloned':
      return {...refused('HOST_FROZEN', 'two machines use this host key'), cloned: host.id};
    case 'frozen':
      return refused('HOST_FROZEN', 'the host is frozen until an operator decides');
    default:
      return refused('HOST_UNKNOWN', 'the host was removed');
  }
}

const unboundReason = 'this controller takes only hellos that are bound to the TLS connection';

function boundTo(hub: Hub, {exporter}: Session, binding: 'exporter' | 'proxy'): Buffer | null {
  if (binding === 'exporter') return exporter;
  return hub.allowTlsAtProxy ? unboundMarker : null;
}

export function isSigned(claim: Buffer, signature: string, rawKey: Uint8Array): boolean {
  return verifyEd25519(claim, Buffer.from(signature, 'base64'), publicKeyFromRaw(rawKey));
}
