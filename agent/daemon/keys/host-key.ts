import {createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject} from 'node:crypto';
import {existsSync, renameSync, rmSync} from 'node:fs';
import {dirname} from 'node:path';
import {rawPublicKey} from '../../../controller/protocol/signing.ts';
import {ReeveError} from '../../errors.ts';
import {readPrivate, syncDirectory, writeWhole} from '../atomic-file.ts';

/** A PKCS#8 PEM of an Ed25519 key has 119 bytes. */
const maxKeyBytes = 4096;

export type HostKey = {
  private: KeyObject;
  /** The raw 32 bytes. */
  public: Buffer;
};

/**
 * The key in this file (PKCS#8 PEM, 0600); made when there is none. Throws `REEVE_STATE_UNUSABLE` when somebody else could
 * have read or written it, or when it is no Ed25519 key.
 */
export function loadHostKey(path: string, uid: number): HostKey {
  return readHostKey(path, uid) ?? makeHostKey(path);
}

export function readHostKey(path: string, uid: number): HostKey | null {
  const pem = readPrivate(path, uid, maxKeyBytes);
  if (pem === null) return null;
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return withPublic(key);
  } catch {
    // Said below, without what the file holds.
  }
  throw new ReeveError('REEVE_STATE_UNUSABLE', `cannot use "${path}": it holds no Ed25519 key in PKCS#8 PEM`);
}

export function makeHostKey(path: string): HostKey {
  const {privateKey} = generateKeyPairSync('ed25519');
  writeWhole(path, privateKey.export({type: 'pkcs8', format: 'pem'}), 0o600);
  return withPublic(privateKey);
}

/** Puts a key that was made beside it in the place of the host key. */
export function promoteHostKey(from: string, to: string): void {
  renameSync(from, to);
  syncDirectory(dirname(to));
}

export function forgetHostKey(path: string): void {
  if (existsSync(path)) rmSync(path);
}

const withPublic = (key: KeyObject): HostKey => ({private: key, public: rawPublicKey(createPublicKey(key))});
