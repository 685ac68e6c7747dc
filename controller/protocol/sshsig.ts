import {createHash, createPublicKey, type JsonWebKey, type KeyObject, verify} from 'node:crypto';

/**
 * SSH signatures as `ssh-keygen -Y sign` makes them, of ed25519, ECDSA and RSA keys (rsa-sha2 only).
 * Source: OpenSSH, PROTOCOL.sshsig; keys and signatures: RFC 4253 6.6, RFC 5656 3.1, RFC 8332, RFC 8709.
 */
export type SshSignature = {
  /** The signer's key as on the wire: what a list of trusted keys is compared with. */
  publicKey: Buffer;
  namespace: string;
  hash: 'sha256' | 'sha512';
  algorithm: string;
  /** The algorithm's own encoding. */
  signature: Buffer;
  reserved: Buffer;
};

export type Parsed<T> = {ok: true; value: T} | {ok: false; reason: string};

/** Enough for a 16,384-bit RSA key and signature. */
const maxArmouredLength = 16 * 1024;
const magic = 'SSHSIG';
const armour = /^-----BEGIN SSH SIGNATURE-----\r?\n([A-Za-z0-9+/=\r\n]+)\r?\n-----END SSH SIGNATURE-----\s*$/;

/** Reads an armoured signature. It says nothing yet of whether it is right, or whose key it is. */
export function parseSshSignature(armoured: string): Parsed<SshSignature> {
  if (armoured.length > maxArmouredLength)
    return refused(`the signature has more than ${maxArmouredLength} characters`);
  const body = armour.exec(armoured)?.[1];
  if (body === undefined) return refused('the signature is not one of "ssh-keygen -Y sign"');
  const bytes = decodeBase64(body.replace(/[\r\n]/g, ''));
  if (bytes === null) return refused('the signature is damaged: its base64 is not exact');
  return guarded('the signature is damaged', () => {
    const reader = new WireReader(bytes);
    if (reader.bytes(magic.length).toString('latin1') !== magic) throw new Damage('it does not begin with SSHSIG');
    const version = reader.uint32();
    if (version !== 1) throw new Damage(`version ${version} found, 1 wanted`);
    const publicKey = reader.string();
    const namespace = reader.text();
    const reserved = reader.string();
    const hash = reader.text();
    if (hash !== 'sha256' && hash !== 'sha512') throw new Damage(`hash "${hash}" found, sha256 or sha512 wanted`);
    const inner = new WireReader(reader.string());
    const [algorithm, signature] = [inner.text(), inner.string()];
    inner.end();
    reader.end();
    return {publicKey, namespace, hash, algorithm, signature, reserved};
  });
}

/**
 * Whether the signature is the key holder's over this message for this purpose. The caller still has to know whose key
 * `publicKey` is. The namespace keeps a signature for one purpose from being used for another.
 */
export function verifySshSignature(parsed: SshSignature, message: Uint8Array, namespace: string): Parsed<true> {
  if (parsed.namespace !== namespace)
    return refused(`the signature is for "${parsed.namespace}", not for "${namespace}"`);
  const key = readSshPublicKey(parsed.publicKey);
  if (!key.ok) return key;
  const signed = Buffer.concat([
    Buffer.from(magic, 'latin1'),
    wireString(Buffer.from(namespace)),
    wireString(parsed.reserved),
    wireString(Buffer.from(parsed.hash)),
    wireString(createHash(parsed.hash).update(message).digest()),
  ]);
  const outcome = guarded('the signature is damaged', () => check(key.value, parsed, signed));
  if (!outcome.ok) return outcome;
  return outcome.value ? {ok: true, value: true} : refused('the signature does not fit the content');
}

/** The curve's name on the wire, its JWK name, its coordinate's size and the digest that goes with it: RFC 5656 6.2.1. */
const curves = new Map([
  ['ecdsa-sha2-nistp256', {wire: 'nistp256', jwk: 'P-256', bytes: 32, digest: 'sha256'}],
  ['ecdsa-sha2-nistp384', {wire: 'nistp384', jwk: 'P-384', bytes: 48, digest: 'sha384'}],
  ['ecdsa-sha2-nistp521', {wire: 'nistp521', jwk: 'P-521', bytes: 66, digest: 'sha512'}],
]);
const rsaDigests = new Map([
  ['rsa-sha2-256', 'sha256'],
  ['rsa-sha2-512', 'sha512'],
]);
const minRsaBits = 2048;
const maxRsaBits = 16_384;

export type SshPublicKey = {type: string; key: KeyObject /** Of RSA keys; 0 for others. */; modulusBytes: number};

/** Reads a public key from its wire format, as in the base64 of an authorized_keys or allowed_signers line. */
export function readSshPublicKey(blob: Uint8Array): Parsed<SshPublicKey> {
  return guarded('the public key is damaged', () => {
    const reader = new WireReader(Buffer.from(blob));
    const type = reader.text();
    const {jwk, modulusBytes} = readKeyFields(type, reader);
    reader.end();
    return {type, key: createPublicKey({key: jwk, format: 'jwk'}), modulusBytes};
  });
}

function readKeyFields(type: string, reader: WireReader): {jwk: JsonWebKey; modulusBytes: number} {
  if (type === 'ssh-ed25519') {
    const point = reader.string();
    if (point.length !== 32) throw new Damage(`an ed25519 key of ${point.length} bytes found, 32 wanted`);
    return {jwk: {kty: 'OKP', crv: 'Ed25519', x: point.toString('base64url')}, modulusBytes: 0};
  }
  const curve = curves.get(type);
  if (curve !== undefined) {
    const [name, point] = [reader.text(), reader.string()];
    if (name !== curve.wire) throw new Damage(`curve "${name}" found, "${curve.wire}" wanted`);
    if (point.length !== 1 + 2 * curve.bytes || point[0] !== 4)
      throw new Damage('its point is not an uncompressed one');
    const [x, y] = [point.subarray(1, 1 + curve.bytes), point.subarray(1 + curve.bytes)];
    return {jwk: {kty: 'EC', crv: curve.jwk, x: x.toString('base64url'), y: y.toString('base64url')}, modulusBytes: 0};
  }
  if (type === 'ssh-rsa') {
    const [exponent, modulus] = [reader.positive(), reader.positive()];
    const bits = modulus.length * 8 - Math.clz32(modulus[0] as number) + 24;
    if (bits < minRsaBits || bits > maxRsaBits)
      throw new Damage(`an RSA key of ${bits} bits found, ${minRsaBits} to ${maxRsaBits} wanted`);
    const jwk = {kty: 'RSA', e: exponent.toString('base64url'), n: modulus.toString('base64url')};
    return {jwk, modulusBytes: modulus.length};
  }
  throw new Damage(
    `keys of type "${type}" are not supported: ssh-ed25519, ecdsa-sha2-nistp256/384/521 or ssh-rsa wanted`,
  );
}

function check({type, key, modulusBytes}: SshPublicKey, {algorithm, signature}: SshSignature, signed: Buffer): boolean {
  if (type === 'ssh-ed25519' && algorithm === type)
    return signature.length === 64 && verify(null, signed, key, signature);
  const curve = curves.get(type);
  if (curve !== undefined && algorithm === type) {
    const reader = new WireReader(signature);
    const halves = [reader.positive(), reader.positive()];
    reader.end();
    if (halves.some(half => half.length > curve.bytes)) return false;
    const raw = Buffer.concat(halves.map(half => Buffer.concat([Buffer.alloc(curve.bytes - half.length), half])));
    return verify(curve.digest, signed, {key, dsaEncoding: 'ieee-p1363'}, raw);
  }
  const digest = rsaDigests.get(algorithm);
  if (type === 'ssh-rsa' && digest !== undefined) {
    if (signature.length > modulusBytes) return false;
    return verify(digest, signed, key, Buffer.concat([Buffer.alloc(modulusBytes - signature.length), signature]));
  }
  throw new Damage(`a signature of type "${algorithm}" does not go with a key of type "${type}"`);
}

/** Exact base64: the alphabet, the padding and no spare bits; null for anything else. */
export function decodeBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  return text.length > 0 && bytes.toString('base64') === text ? bytes : null;
}

class Damage extends Error {}

function guarded<T>(what: string, use: () => T): Parsed<T> {
  try {
    return {ok: true, value: use()};
  } catch (error) {
    return refused(`${what}: ${error instanceof Damage ? error.message : 'its numbers are no valid key or signature'}`);
  }
}

const refused = (reason: string): Parsed<never> => ({ok: false, reason});

function wireString(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Reads the data types of RFC 4251 5, each only after its length was held against what is left. */
class WireReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  bytes(count: number): Buffer {
    if (count > this.#bytes.length - this.#at) throw new Damage('it ends too early');
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  uint32(): number {
    return this.bytes(4).readUInt32BE();
  }

  string(): Buffer {
    return this.bytes(this.uint32());
  }

  /** Printable ASCII: names of algorithms and namespaces. */
  text(): string {
    const text = this.string().toString('latin1');
    if (!/^[\x20-\x7e]{1,255}$/.test(text)) throw new Damage('a name in it is empty or not printable');
    return text;
  }

  /** An mpint that is greater than 0 and in its shortest form, without the leading zero byte. */
  positive(): Buffer {
    const number = this.string();
    const [first, second] = number;
    if (first === undefined || first > 0x7f || (first === 0 && (second === undefined || second < 0x80))) {
      throw new Damage('a number in it is not positive or not in its shortest form');
    }
    return first === 0 ? number.subarray(1) : number;
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new Damage(`${this.#bytes.length - this.#at} bytes too many`);
  }
}
