import 'reflect-metadata';
import {createPublicKey, type KeyObject, randomBytes} from 'node:crypto';
import {isIP} from 'node:net';
import * as x509 from '@peculiar/x509';

const lifetimeMs = 10 * 365 * 24 * 3600 * 1000;
/** Hosts' clocks may be behind. */
const backdateMs = 24 * 3600 * 1000;
const algorithm = {name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256'};

/** A self-signed certificate for a P-256 key, PEM, good for ten years. */
export async function makeCertificate(key: KeyObject, names: readonly string[], now: Date): Promise<string> {
  x509.cryptoProvider.set(crypto);
  const privateBytes = key.export({type: 'pkcs8', format: 'der'});
  const publicBytes = createPublicKey(key).export({type: 'spki', format: 'der'});
  const keys = {
    privateKey: await crypto.subtle.importKey('pkcs8', privateBytes, algorithm, true, ['sign']),
    publicKey: await crypto.subtle.importKey('spki', publicBytes, algorithm, true, ['verify']),
  };
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomBytes(16).toString('hex').replace(/^./, '7'),
    name: 'CN=reeve controller',
    notBefore: new Date(now.getTime() - backdateMs),
    notAfter: new Date(now.getTime() + lifetimeMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map(name => ({type: isIP(name) === 0 ? ('dns' as const) : ('ip' as const), value: name})),
      ),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}
