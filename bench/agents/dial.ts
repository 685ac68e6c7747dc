import {createHash} from 'node:crypto';
import {connect as connectTcp, type Socket} from 'node:net';
import {connect as connectTls, type TLSSocket} from 'node:tls';
import WebSocket from 'ws';
import {limits} from '../../controller/protocol/limits.ts';
import {subprotocol} from '../../controller/protocol/messages.ts';

export type Dialled = {ws: WebSocket; tls: TLSSocket /** Counts the bytes on the wire. */; tcp: Socket};

/**
 * Opens a connection as a link does: TLS 1.3 with a pinned key, no session of before, `reeve.v1` without compression.
 * The caller listens on `ws`; a certificate that is not pinned ends it with an `error` event.
 */
export function dial(url: string, pins: readonly string[]): Dialled {
  const {hostname, port} = new URL(url);
  const tcp = connectTcp(Number(port || 443), hostname);
  tcp.setNoDelay(true);
  const tls = connectTls({socket: tcp, minVersion: 'TLSv1.3', rejectUnauthorized: false});
  tls.once('secureConnect', () => {
    const spki = tls.getPeerX509Certificate()?.publicKey.export({type: 'spki', format: 'der'});
    const pin = spki === undefined ? '' : createHash('sha256').update(spki).digest('hex');
    if (!pins.includes(pin)) tls.destroy(new Error('the controller shows a certificate that is not pinned'));
  });
  const ws = new WebSocket(url, subprotocol, {
    createConnection: () => tls,
    perMessageDeflate: false,
    maxPayload: limits.frame,
    maxFragments: limits.fragments,
    maxBufferedChunks: limits.bufferedChunks,
    handshakeTimeout: limits.handshakeMs,
    followRedirects: false,
  });
  return {ws, tls, tcp};
}
