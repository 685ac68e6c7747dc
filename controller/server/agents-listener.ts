import {constants} from 'node:crypto';
import type {IncomingMessage, ServerResponse} from 'node:http';
import {createServer as createTlsServer} from 'node:https';
import {type AddressInfo, createServer, type Server, type Socket} from 'node:net';
import type {Duplex} from 'node:stream';
import type {TLSSocket} from 'node:tls';
import {type ServerOptions, WebSocketServer} from 'ws';
import {Bucket} from '../connections/bucket.ts';
import {Connection} from '../connections/connection.ts';
import type {Hub} from '../connections/hub.ts';
import {limits} from '../protocol/limits.ts';
import {subprotocol} from '../protocol/messages.ts';
import {bindingLabel, bindingLength} from '../protocol/signing.ts';
import {type StrangerLimits, Strangers, socketId} from './strangers.ts';

export type AgentsListenerOptions = {
  hub: Hub;
  host: string;
  port: number;
  identity: {key: string; certificate: string};
  limits: StrangerLimits & {admissionPerSecond: number};
};

const path = '/agent';
const backlog = 4096;
const maxHeaderBytes = 8 * 1024;
const sweepMs = 1_000;
/** `Retry-After` of a 503: a random number of seconds from 1 to this. */
const maxRetryAfterSeconds = 15;

/**
 * Where hosts connect: TCP, TLS 1.3, one HTTP request, the upgrade. Each stage has its own time, the sockets that have not
 * shown who they are a limit (`Strangers`), and upgrades a rate.
 */
export async function listenForAgents(
  options: AgentsListenerOptions,
): Promise<{port: number; stop(): void; closed(): Promise<void>}> {
  const {hub, identity} = options;
  const {admissionPerSecond} = options.limits;
  const admission = new Bucket(admissionPerSecond, admissionPerSecond * 2, hub.uptime());
  const strangers = new Strangers(
    options.limits,
    () => hub.uptime(),
    () => {
      hub.count.evicted++;
    },
  );
  hub.strangers = () => strangers.size;
  hub.sockets = () => strangers.sockets;

  // @types/ws does not know `closeTimeout` yet.
  const webSocketOptions: ServerOptions & {closeTimeout: number} = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    autoPong: false,
    maxPayload: limits.frame,
    maxFragments: limits.fragments,
    maxBufferedChunks: limits.bufferedChunks,
    closeTimeout: limits.closeMs,
    handleProtocols: () => subprotocol,
  };
  const webSockets = new WebSocketServer(webSocketOptions);

  const https = createTlsServer({
    key: identity.key,
    cert: identity.certificate,
    minVersion: 'TLSv1.3',
    // No session is resumed: each connection proves the key anew, and no ticket key is kept.
    secureOptions: constants.SSL_OP_NO_TICKET,
    handshakeTimeout: limits.handshakeMs,
    keepAliveTimeout: 1,
    // As a list, Node would copy it for each socket, and each copy would keep the 64 KB alive that Node cuts such copies from.
    ALPNCallback: ({protocols}) => protocols.find(name => name === 'http/1.1'),
    maxHeaderSize: maxHeaderBytes,
    noDelay: true,
  });
  https.on('request', (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(426, {Connection: 'close', Upgrade: 'websocket'}).end();
  });
  https.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const refusal = refusalOf(request) ?? (admission.take(hub.uptime()) ? null : 503);
    if (refusal !== null) {
      hub.count.refusedUpgrades[refusal] = (hub.count.refusedUpgrades[refusal] ?? 0) + 1;
      return answer(socket, refusal);
    }
    const tls = socket as TLSSocket;
    const id = socketId(tls);
    const address = tls.remoteAddress ?? 'unknown';
    const exporter = tls.exportKeyingMaterial(bindingLength, bindingLabel, Buffer.alloc(0));
    webSockets.handleUpgrade(request, socket, head, ws => {
      strangers.upgraded(id);
      new Connection(hub, ws, {exporter, address, onOpen: () => strangers.forget(id)});
    });
  });
  https.on('tlsClientError', (_error, socket) => socket.destroy());
  https.on('clientError', (_error, socket) => socket.destroy());

  const server = createServer({noDelay: true}, (socket: Socket) => {
    socket.on('error', () => socket.destroy());
    if (strangers.admit(socket)) https.emit('connection', socket);
  });
  const sweep = setInterval(() => strangers.sweep(), sweepMs).unref();
  await listen(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    stop() {
      clearInterval(sweep);
      server.close();
    },
    closed: () => new Promise(resolve => (server.listening ? server.once('close', () => resolve()) : resolve())),
  };
}

/** The HTTP status that a request earns that is no upgrade of a host, or null. */
function refusalOf({method, url, headers}: IncomingMessage): number | null {
  if (url !== path) return 404;
  if (method !== 'GET') return 405;
  // Browsers send it, hosts do not.
  if (headers.origin !== undefined) return 403;
  if (headers['sec-websocket-version'] !== '13') return 426;
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map(name => name.trim());
  return offered.includes(subprotocol) ? null : 400;
}

function answer(socket: Duplex, status: number): void {
  const retry = status === 503 ? `Retry-After: ${1 + Math.floor(Math.random() * maxRetryAfterSeconds)}\r\n` : '';
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} Refused\r\n${retry}Content-Length: 0\r\nConnection: close\r\n\r\n`);
  socket.once('finish', () => socket.destroy());
}

function listen(server: Server, {host, port}: {host: string; port: number}): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({host, port, backlog}, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
