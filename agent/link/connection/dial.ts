import type {WebSocket} from 'ws';
import {limits} from '../../../controller/protocol/limits.ts';
import {unboundMarker} from '../../../controller/protocol/signing.ts';
import type {ControllerPlace} from '../../ipc/link-messages.ts';
import {openTunnel} from './proxy.ts';
import {connectTcp, endpointOf} from './tcp.ts';
import {bindingOf, checkPin, startTls} from './tls.ts';
import {upgrade} from './upgrade.ts';

/** Milliseconds for each step. */
export const connectMs = 10_000;

/** A WebSocket to the right controller, paused, and what ties signatures to it. */
export type Line = {ws: WebSocket; binding: Buffer};

/** Name, connection, proxy, TLS, pin, upgrade: in this order, and nothing is sent to a wrong peer. */
export async function dial(place: ControllerPlace, signal: AbortSignal): Promise<Line> {
  const to = endpointOf(place.url);
  const socket = await connectTcp(place.proxy === null ? to : endpointOf(place.proxy), connectMs, signal);
  const end = () => socket.destroy();
  signal.addEventListener('abort', end, {once: true});
  try {
    if (place.proxy !== null) await openTunnel(socket, to, connectMs);
    const secure = await startTls(socket, to.host, connectMs);
    checkPin(secure, place.pins);
    const binding = place.tlsEndsAtProxy ? unboundMarker : bindingOf(secure);
    return {ws: await upgrade(place.url, secure, limits.handshakeMs), binding};
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', end);
  }
}
