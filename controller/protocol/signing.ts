import {createPublicKey, type KeyObject, sign, verify} from 'node:crypto';

/**
 * What a key signs: the domain, then each part, all with their length (u32, big-endian) before them. So no two lists of
 * parts give the same bytes, and a signature made for one purpose is none for another.
 */
export function signedBytes(domain: Domain, parts: ReadonlyArray<string | Uint8Array>): Buffer {
  return Buffer.concat(
    [domain, ...parts].flatMap(part => {
      const bytes = typeof part === 'string' ? Buffer.from(part, 'utf8') : Buffer.from(part);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}
export type Domain = 'reeve-hello-v1' | 'reeve-enrol-v1' | 'reeve-rotate-v1';

/** What a host signs to prove that it holds its key now, on this very TLS connection. */
export type HelloClaim = {fleet: string; agent: string; nonce: Buffer; binding: Buffer; join: string};
export const helloBytes = ({fleet, agent, nonce, binding, join}: HelloClaim): Buffer =>
  signedBytes('reeve-hello-v1', [fleet, agent, nonce, binding, join]);

/** `publicKey` is the raw 32 bytes; the token itself is not signed, it proves nothing about the key. */
export type EnrolClaim = {fleet: string; publicKey: Buffer; nonce: Buffer; binding: Buffer};
export const enrolBytes = ({fleet, publicKey, nonce, binding}: EnrolClaim): Buffer =>
  signedBytes('reeve-enrol-v1', [fleet, publicKey, nonce, binding]);

/** Signed by the old key and by the new one. */
export type RotateClaim = {fleet: string; agent: string; oldKey: Buffer; newKey: Buffer; nonce: Buffer};
export const rotateBytes = ({fleet, agent, oldKey, newKey, nonce}: RotateClaim): Buffer =>
  signedBytes('reeve-rotate-v1', [fleet, agent, oldKey, newKey, nonce]);

/** The bytes that tie a hello to its TLS connection: `exportKeyingMaterial` (RFC 9266 in spirit, RFC 5705, RFC 8446 7.5). */
export const bindingLabel = 'EXPORTER-reeve-v1';
export const bindingLength = 32;
/** Stands in for the exporter where a proxy ends TLS, when both sides are configured so; shown as degraded. */
export const unboundMarker = Buffer.from('reeve-tls-ended-by-a-proxy------', 'latin1');

/** DSSE pre-authentication encoding: https://github.com/secure-systems-lab/dsse, protocol.md. */
export function preAuthEncoding(type: string, payload: Uint8Array): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `;
  return Buffer.concat([Buffer.from(head, 'utf8'), payload]);
}

export const signEd25519 = (bytes: Uint8Array, key: KeyObject): Buffer => sign(null, bytes, key);

/** False for a wrong signature and for a key that is none. */
export function verifyEd25519(bytes: Uint8Array, signature: Uint8Array, key: KeyObject): boolean {
  try {
    return verify(null, bytes, key, signature);
  } catch {
    return false;
  }
}

/** The raw 32 bytes of an Ed25519 public key, and back. */
export function rawPublicKey(key: KeyObject): Buffer {
  const {x} = key.export({format: 'jwk'});
  return Buffer.from(x as string, 'base64url');
}
export function publicKeyFromRaw(raw: Uint8Array): KeyObject {
  if (raw.length !== 32) throw new RangeError(`an Ed25519 public key has 32 bytes, not ${raw.length}`);
  return createPublicKey({key: {kty: 'OKP', crv: 'Ed25519', x: Buffer.from(raw).toString('base64url')}, format: 'jwk'});
}
