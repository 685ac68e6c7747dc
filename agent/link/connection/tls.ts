import {createHash} from 'node:crypto';
import {isIP, type Socket} from 'node:net';
import {connect, type TLSSocket} from 'node:tls';
import {bindingLabel, bindingLength} from '../../../controller/protocol/signing.ts';
import {LinkProblem, type ProblemCode} from '../problem.ts';

/**
 * TLS 1.3 over a connected socket. Nothing is checked of the certificate here: `checkPin()` comes next, before anything
 * is sent. A self-signed certificate has no issuer to ask, and a pin says more than any issuer could; names and dates in
 * the certificate say nothing beside it. That the peer holds the certificate's key is part of TLS itself.
 * Rejects with TLS_TOO_OLD, TLS_TIMEOUT or TLS_FAILED.
 */
export function startTls(socket: Socket, host: string, timeoutMs: number): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secure = connect({
      socket,
      ...(isIP(host) === 0 ? {servername: host} : {}),
      minVersion: 'TLSv1.3',
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: false,
      // The pin decides; the authorities that Node brings would cost memory for nothing.
      ca: [],
    });
    const fail = (code: ProblemCode, message: string, cause?: unknown) => {
      clearTimeout(timer);
      secure.destroy();
      socket.destroy();
      reject(new LinkProblem(code, message, {cause}));
    };
    const timer = setTimeout(() => fail('TLS_TIMEOUT', `TLS was not agreed in ${timeoutMs} ms`), timeoutMs);
    const closed = () => fail('TLS_FAILED', 'the peer ended the connection while TLS was being agreed');
    secure.once('close', closed);
    secure.once('error', (error: NodeJS.ErrnoException) => {
      secure.removeListener('close', closed);
      const tooOld = /UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|VERSION_TOO_LOW/.test(error.code ?? '');
      if (tooOld) fail('TLS_TOO_OLD', 'the peer knows no TLS 1.3', error);
      else fail('TLS_FAILED', `TLS was not agreed: ${error.code ?? error.message}`, error);
    });
    secure.once('secureConnect', () => {
      clearTimeout(timer);
      secure.removeListener('close', closed).removeAllListeners('error');
      secure.on('error', () => {});
      resolve(secure);
    });
  });
}

/** SHA-256 over the SubjectPublicKeyInfo of the peer's own certificate, hexadecimal. */
export function pinOf(socket: TLSSocket): string {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) throw new LinkProblem('TLS_FAILED', 'the peer showed no certificate');
  return createHash('sha256')
    .update(certificate.publicKey.export({type: 'spki', format: 'der'}))
    .digest('hex');
}

/** Throws PIN_MISMATCH unless the peer's certificate is one that came with the enrolment. */
export function checkPin(socket: TLSSocket, pins: readonly string[]): void {
  const found = pinOf(socket);
  if (!pins.includes(found))
    throw new LinkProblem('PIN_MISMATCH', `the certificate's pin is ${found}; wanted ${pins.join(' or ')}`);
}

/** What ties a hello to this very connection. */
export const bindingOf = (socket: TLSSocket): Buffer =>
  socket.exportKeyingMaterial(bindingLength, bindingLabel, Buffer.alloc(0));
