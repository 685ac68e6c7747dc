import {createHash, randomBytes, timingSafeEqual} from 'node:crypto';
import type {Static} from 'typebox';
import * as Type from 'typebox';
import {parseJson} from './codec.ts';
import {hasShape} from './shape.ts';

/**
 * Secrets that a controller hands out. The prefix tells scanners of secrets, and readers, what they found; 32 random
 * bytes follow, and eight digits of their SHA-256, so that a mistyped one is known as such without asking anybody.
 */
export const tokenKinds = {enrol: 'reeve_enrol_', api: 'reeve_api_'} as const;
export type TokenKind = keyof typeof tokenKinds;

export function makeToken(kind: TokenKind): string {
  const secret = randomBytes(32).toString('base64url');
  return `${tokenKinds[kind]}${secret}${checksum(secret)}`;
}

export function isToken(kind: TokenKind, token: string): boolean {
  const body = token.startsWith(tokenKinds[kind]) ? token.slice(tokenKinds[kind].length) : '';
  if (!/^[A-Za-z0-9_-]{51}$/.test(body)) return false;
  return checksum(body.slice(0, 43)) === body.slice(43);
}

const checksum = (secret: string) => createHash('sha256').update(secret).digest('hex').slice(0, 8);

/** What is stored of a token. It has 256 random bits, so a plain hash is as good as a slow one. */
export const tokenHash = (token: string): string => createHash('sha256').update(token).digest('hex');

export function isSameToken(hash: string, token: string): boolean {
  return timingSafeEqual(Buffer.from(hash, 'hex'), Buffer.from(tokenHash(token), 'hex'));
}

/** All that a host needs to enrol: where, whose certificate to expect, and the token. One line, to be copied. */
export const joinTicket = Type.Object(
  {
    v: Type.Literal(1),
    url: Type.String({pattern: '^wss://[^\\s/@]{1,300}/agent$', maxLength: 320}),
    /** SHA-256 over the SubjectPublicKeyInfo of each certificate that the controller may show, hexadecimal. */
    pins: Type.Array(Type.String({pattern: '^[0-9a-f]{64}$'}), {minItems: 1, maxItems: 8}),
    fleet: Type.String({pattern: '^[0-9a-f-]{36}$'}),
    token: Type.String({maxLength: 200}),
  },
  {additionalProperties: false},
);
export type JoinTicket = Static<typeof joinTicket>;

const ticketPrefix = 'reeve-join:';
const maxTicketLength = 4096;

export const writeJoinTicket = (ticket: JoinTicket): string =>
  `${ticketPrefix}${Buffer.from(JSON.stringify(ticket), 'utf8').toString('base64url')}`;

/** Null when the text is no ticket, or one that was cut or mistyped. */
export function readJoinTicket(line: string): JoinTicket | null {
  const trimmed = line.trim();
  if (!trimmed.startsWith(ticketPrefix) || trimmed.length > maxTicketLength) return null;
  const value = parseJson(Buffer.from(trimmed.slice(ticketPrefix.length), 'base64url').toString('utf8'));
  return hasShape(joinTicket, value) && isToken('enrol', value.token) ? value : null;
}
