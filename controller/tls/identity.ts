import {createHash, createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate} from 'node:crypto';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {writeAtomic} from '../files.ts';

/** What a TLS listener shows, PEM, and the pin by which hosts know it. */
export type Identity = {
  key: string;
  certificate: string;
  /** SHA-256 of the SubjectPublicKeyInfo, hexadecimal. */
  pin: string;
  expiresAt: Date;
};

const renewBeforeMs = 30 * 24 * 3600 * 1000;

/**
 * Reads `agents.key` and `agents.crt` of the state folder, and makes what is missing. A certificate that ends within 30
 * days, or lacks one of the names, is made anew with the same key: hosts pin the key, so they take no notice.
 */
export async function loadIdentity(folder: string, names: readonly string[], now: Date): Promise<Identity> {
  const key = await loadKey(join(folder, 'agents.key'));
  const path = join(folder, 'agents.crt');
  const kept = await readOrNull(path);
  if (kept !== null && isGood(kept, key, names, now)) return identity(key, kept);
  // What makes one is large, and is needed once in ten years.
  const {makeCertificate} = await import('./certificate.ts');
  const certificate = await makeCertificate(key, names, now);
  await writeAtomic(path, certificate, 0o644);
  return identity(key, certificate);
}

/** The pin of a certificate, PEM or DER. */
export function pinOf(certificate: string | Buffer): string {
  const spki = new X509Certificate(certificate).publicKey.export({type: 'spki', format: 'der'});
  return createHash('sha256').update(spki).digest('hex');
}

async function loadKey(path: string): Promise<KeyObject> {
  const kept = await readOrNull(path);
  if (kept !== null) return createPrivateKey(kept);
  const {privateKey} = generateKeyPairSync('ec', {namedCurve: 'P-256'});
  await writeAtomic(path, pem(privateKey), 0o600);
  return privateKey;
}

function isGood(text: string, key: KeyObject, names: readonly string[], now: Date): boolean {
  try {
    const certificate = new X509Certificate(text);
    return (
      certificate.checkPrivateKey(key) &&
      certificate.validToDate.getTime() - now.getTime() > renewBeforeMs &&
      names.every(name => certificate.checkHost(name) !== undefined || certificate.checkIP(name) !== undefined)
    );
  } catch {
    return false;
  }
}

const identity = (key: KeyObject, certificate: string): Identity => ({
  key: pem(key),
  certificate,
  pin: pinOf(certificate),
  expiresAt: new X509Certificate(certificate).validToDate,
});

const pem = (key: KeyObject): string => key.export({type: 'pkcs8', format: 'pem'}) as string;

async function readOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
