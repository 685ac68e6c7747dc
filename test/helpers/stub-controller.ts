import {generateKeyPairSync, randomBytes, randomUUID} from 'node:crypto';
import type {IncomingMessage} from 'node:http';
import {createServer, type Server} from 'node:https';
import type {AddressInfo} from 'node:net';
import type {TLSSocket} from 'node:tls';
import {type WebSocket, WebSocketServer} from 'ws';
import type {ControllerPlace} from '../../agent/ipc/link-messages.ts';
import type {Item} from '../../controller/protocol/batch.ts';
import {type CloseName, closeCodes} from '../../controller/protocol/close-codes.ts';
import {decodeMessage, encodeMessage, openBatch} from '../../controller/protocol/codec.ts';
import {type FromController, type FromHost, fromHost, type Position} from '../../controller/protocol/messages.ts';
import {
  bindingLabel,
  bindingLength,
  enrolBytes,
  helloBytes,
  publicKeyFromRaw,
  unboundMarker,
  verifyEd25519,
} from '../../controller/protocol/signing.ts';
import {makeCertificate} from '../../controller/tls/certificate.ts';
import {pinOf} from '../../controller/tls/identity.ts';
import {Arrivals} from './waiting.ts';

export type Certificate = {key: string; cert: string; pin: string};

/** A real key and a real certificate for "localhost". */
export async function testCertificate(): Promise<Certificate> {
  const {privateKey} = generateKeyPairSync('ec', {namedCurve: 'P-256'});
  const cert = await makeCertificate(privateKey, ['localhost', '127.0.0.1'], new Date());
  return {key: privateKey.export({type: 'pkcs8', format: 'pem'}).toString(), cert, pin: pinOf(cert)};
}

/** One connection of a host, driven by the test. */
export class Peer {
  readonly said = new Arrivals<FromHost>();
  readonly closed: Promise<number>;
  readonly ws: WebSocket;
  readonly binding: Buffer;
  /** What it said that is no message of a host. */
  readonly wrong: string[] = [];
  pings = 0;
  pongs = 0;

  constructor(ws: WebSocket, request: IncomingMessage) {
    this.ws = ws;
    this.binding = (request.socket as TLSSocket).exportKeyingMaterial(bindingLength, bindingLabel, Buffer.alloc(0));
    this.closed = new Promise(resolve => ws.on('close', code => resolve(code)));
    ws.on('error', () => {});
    ws.on('pong', () => this.pongs++);
    ws.on('message', data => {
      const decoded = decodeMessage(fromHost, data.toString());
      if (decoded.ok) this.said.add(decoded.value as FromHost);
      else this.wrong.push(decoded.reason);
    });
  }

  send(message: FromController): void {
    this.ws.send(encodeMessage(message));
  }

  next<T extends FromHost['t']>(t: T): Promise<Extract<FromHost, {t: T}>> {
    return this.said.find((message): message is Extract<FromHost, {t: T}> => message.t === t);
  }

  /** Says why and closes, as a controller does. */
  refuse(code: CloseName): void {
    this.send({t: 'error', b: {code, message: closeCodes[code].text}});
    this.ws.close(closeCodes[code].close, code);
  }
}

export const now = (): string => new Date().toISOString();

/**
 * A controller in front of a real TLS socket. By itself it is honest and keeps in memory what it is sent; `onPeer` gives
 * a connection to the test instead.
 */
export class StubController {
  readonly peers = new Arrivals<Peer>();
  readonly fleet = randomUUID();
  /** What is stored of the one host's stream. */
  position: Position | null = null;
  /** Subjects of all steps in the order in which they were applied, each as `epoch:n subject`. */
  readonly applied: string[] = [];
  readonly problems: string[] = [];
  /** Steps and subjects as they came. */
  items: Item[] = [];
  publicKey: Buffer | null = null;
  agent: string | null = null;
  tokens: string[] = [];
  welcome: Partial<Extract<FromController, {t: 'welcome'}>['b']> = {};
  /** Join values: the newest, and the one shown before. */
  joins: string[] = [];
  /** Null: the honest one. */
  onPeer: ((peer: Peer) => void) | null = null;
  /** Before the upgrade; true when it answered. */
  onRequest: ((request: IncomingMessage, socket: TLSSocket) => boolean) | null = null;
  connections = 0;
  readonly #certificate: Certificate;
  readonly #server: Server;

  constructor(certificate: Certificate, tls: {minVersion?: 'TLSv1.2' | 'TLSv1.3'; maxVersion?: 'TLSv1.2'} = {}) {
    this.#certificate = certificate;
    this.#server = createServer({...certificate, minVersion: 'TLSv1.3', ...tls});
    const sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      handleProtocols: protocols => (protocols.has('reeve.v1') ? 'reeve.v1' : false),
    });
    this.#server.on('secureConnection', () => this.connections++);
    this.#server.on('upgrade', (request, socket, head) => {
      if (this.onRequest?.(request, socket as TLSSocket) === true) return;
      sockets.handleUpgrade(request, socket, head, ws => {
        const peer = new Peer(ws, request);
        this.peers.add(peer);
        if (this.onPeer === null) this.#serve(peer).catch(error => this.problems.push(String(error)));
        else this.onPeer(peer);
      });
    });
  }

  async listen(port = 0): Promise<void> {
    await new Promise<void>(resolve => this.#server.listen(port, '127.0.0.1', resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get place(): ControllerPlace {
    return {
      url: `wss://localhost:${this.port}/agent`,
      pins: [this.#certificate.pin],
      fleet: this.fleet,
      proxy: null,
      tlsEndsAtProxy: false,
    };
  }

  async close(): Promise<void> {
    for (const peer of this.peers.all) peer.ws.terminate();
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }

  /** The honest greeting: resolves when the host is welcome. */
  async greet(peer: Peer): Promise<void> {
    const nonce = randomBytes(32);
    peer.send({t: 'challenge', b: {nonce: nonce.toString('base64'), fleet: this.fleet, time: now()}});
    const first = await peer.said.find(({t}) => t === 'enrol' || t === 'hello');
    if (first.t === 'enrol') {
      const {token, publicKey, binding, signature} = first.b;
      const key = Buffer.from(publicKey, 'base64');
      const bound = binding === 'proxy' ? unboundMarker : peer.binding;
      const claim = enrolBytes({fleet: this.fleet, publicKey: key, nonce, binding: bound});
      if (
        !verifyEd25519(claim, Buffer.from(signature, 'base64'), publicKeyFromRaw(key)) ||
        !this.tokens.includes(token)
      ) {
        peer.refuse('UNAUTHENTICATED');
        throw new Error('a wrong enrolment');
      }
      this.tokens = this.tokens.filter(other => other !== token);
      this.publicKey = key;
      this.agent = randomUUID();
      peer.send({t: 'enrolled', b: {agent: this.agent}});
    }
    const hello = await peer.next('hello');
    const {agent, binding, signature, join} = hello.b;
    const claim = helloBytes({
      fleet: this.fleet,
      agent,
      nonce,
      binding: binding === 'proxy' ? unboundMarker : peer.binding,
      join,
    });
    const key = publicKeyFromRaw(this.publicKey as Buffer);
    if (agent !== this.agent || !verifyEd25519(claim, Buffer.from(signature, 'base64'), key)) {
      peer.refuse('UNAUTHENTICATED');
      throw new Error('a wrong hello');
    }
    if (this.joins.length > 0 && !this.joins.includes(join)) {
      peer.refuse('HOST_FROZEN');
      throw new Error('two machines with one key');
    }
    const fresh = randomUUID();
    this.joins = [fresh, join];
    const standard = {heartbeatMs: 30_000, spreadMs: 0, windowBatches: 8};
    peer.send({
      t: 'welcome',
      b: {ack: this.position, want: [], join: fresh, ...standard, time: now(), ...this.welcome},
    });
  }

  async #serve(peer: Peer): Promise<void> {
    peer.ws.on('message', data => {
      const decoded = decodeMessage(fromHost, data.toString());
      if (decoded.ok && (decoded.value as FromHost).t === 'batch')
        this.store(peer, (decoded.value as Extract<FromHost, {t: 'batch'}>).b);
    });
    await this.greet(peer);
  }

  /** Applies the new steps of a batch, each once, and acknowledges. */
  store(peer: Peer, sealed: Extract<FromHost, {t: 'batch'}>['b']): void {
    const opened = openBatch(
      {...sealed, payload: Buffer.from(sealed.payload, 'base64'), signature: Buffer.from(sealed.signature, 'base64')},
      this.agent as string,
      publicKeyFromRaw(this.publicKey as Buffer),
    );
    if (!opened.ok) {
      this.problems.push(opened.reason);
      peer.refuse(opened.code);
      return;
    }
    const {epoch, from, to, items} = opened.value;
    const at = this.position;
    if (at !== null && epoch < at.epoch) {
      this.problems.push(`replayed ${epoch}:${from}`);
      peer.refuse('STREAM_REPLAYED');
      return;
    }
    const before = at !== null && at.epoch === epoch ? at.n : 0;
    if (from > before + 1) {
      this.problems.push(`hole ${epoch}:${from} after ${before}`);
      peer.refuse('STREAM_HOLE');
      return;
    }
    for (const item of items.filter(({n}) => n > before)) {
      this.items.push(item);
      this.applied.push(`${epoch}:${item.n} ${item.t === 'set' ? item.f.subject : item.t}`);
    }
    this.position = {epoch, n: Math.max(before, to)};
    peer.send({t: 'ack', b: this.position});
  }
}
