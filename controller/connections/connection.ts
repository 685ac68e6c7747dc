import {randomBytes} from 'node:crypto';
import type {WebSocket} from 'ws';
import type {CloseName} from '../protocol/close-codes.ts';
import {decodeMessage} from '../protocol/codec.ts';
import {limits} from '../protocol/limits.ts';
import {type FromHost, fromHost} from '../protocol/messages.ts';
import {rotateBytes} from '../protocol/signing.ts';
import {StoreError} from '../store/errors.ts';
import type {KnownHost} from '../store/store.ts';
import {Bucket} from './bucket.ts';
import {HostDocuments, openDocument} from './documents.ts';
import {enrol, greet, isSigned, type Session} from './greeting.ts';
import type {Hub} from './hub.ts';
import {HostStream} from './stream.ts';
import {Wire, waitAfterFramesMs} from './wire.ts';

/** `checking`: a greeting is being looked at, and nothing else may come. */
type Phase = 'greeting' | 'enrolled' | 'checking' | 'open';
type Body<T extends FromHost['t']> = Extract<FromHost, {t: T}>['b'];
type Handlers = {[T in FromHost['t']]: {phases: readonly Phase[]; handle: (body: Body<T>) => Promise<void>}};

/** What there is of a host once its hello was right. */
type Open = {host: KnownHost; stream: HostStream; documents: HostDocuments; documentRate: Bucket};

/** Documents of one host: some at once, then one in ten seconds. */
const documentsPerSecond = 0.1;
const documentsBurst = 6;
/** How long a host should wait when nothing can be stored. */
const unavailableMs = 30_000;

/** One connection of `reeve.v1`, from the upgrade to the close: PROTOCOL.md, Phases. */
export class Connection {
  readonly wire: Wire;
  readonly #hub: Hub;
  readonly #address: string;
  readonly #onOpen: () => void;
  readonly #session: Session;
  readonly #startedAt: number;
  readonly #heartbeatMs = limits.heartbeatMs * (0.9 + Math.random() * 0.2);
  readonly #turn = (now: number): number | null => this.#look(now);
  #phase: Phase = 'greeting';
  #open: Open | null = null;
  #pinged = false;

  /** `exporter` is what ties a hello to the TLS connection; `onOpen` is called once, after a right hello. */
  constructor(hub: Hub, ws: WebSocket, peer: {exporter: Buffer; address: string; onOpen: () => void}) {
    this.#hub = hub;
    this.#address = peer.address;
    this.#onOpen = peer.onOpen;
    this.#session = {nonce: randomBytes(32), exporter: peer.exporter};
    this.#startedAt = hub.uptime();
    this.wire = new Wire(hub, ws, peer.address, {
      onText: text => this.#receive(text),
      onFlood: () => hub.wheel.set(this.#turn, waitAfterFramesMs),
      onClosed: () => this.#closed(),
    });
    hub.add(this);
    hub.wheel.set(this.#turn, limits.helloMs);
    const nonce = this.#session.nonce.toString('base64');
    this.wire.send({t: 'challenge', b: {nonce, fleet: hub.fleet, time: this.#time()}});
  }

  /** The host whose connection this is, once its hello was right. */
  get host(): string | null {
    return this.#open?.host.id ?? null;
  }

  refuse(code: CloseName, reason: string): void {
    this.wire.refuse(code, reason);
  }

  announceEnd(afterMs: number): void {
    if (this.#open !== null) this.wire.send({t: 'drain', b: {afterMs}});
  }

  readonly #handlers: Handlers = {
    enrol: {phases: ['greeting'], handle: body => this.#enrol(body)},
    hello: {phases: ['greeting', 'enrolled'], handle: body => this.#hello(body)},
    batch: {phases: ['open'], handle: body => this.#opened().stream.receive(body)},
    document: {phases: ['open'], handle: body => this.#document(body)},
    heartbeat: {phases: ['open'], handle: body => this.#heartbeat(body)},
    rotate: {phases: ['open'], handle: body => this.#rotate(body)},
  };

  #receive(text: string): void {
    const decoded = decodeMessage(fromHost, text);
    if (!decoded.ok) {
      this.wire.refuse(decoded.code, decoded.reason);
      return;
    }
    const {t, b} = decoded.value;
    const {messages} = this.#hub.count;
    messages[t] = (messages[t] ?? 0) + 1;
    const {phases, handle} = this.#handlers[t] as {
      phases: readonly Phase[];
      handle: (body: unknown) => Promise<void>;
    };
    if (!phases.includes(this.#phase)) {
      this.wire.refuse('PROTOCOL', `"${t}" came out of turn`);
      return;
    }
    handle(b).catch(error => this.#failed(error));
  }

  /** The store could not do it, or a bug of ours: the host keeps what it has and comes back. */
  #failed(error: unknown): void {
    if (this.wire.isEnded) return;
    const code = error instanceof StoreError ? error.code : 'BUG';
    const reason = error instanceof Error ? error.message : String(error);
    if (code === 'STORE_REFUSED') {
      this.wire.refuse('TOO_LARGE', reason);
      return;
    }
    const level = code === 'BUG' || code === 'STORE_BUG' ? 'error' : 'warning';
    this.#hub.log(level, 'a request of a host could not be carried out', {code, reason, host: this.host});
    this.wire.refuse('UNAVAILABLE', 'the controller cannot store anything now', unavailableMs);
  }

  async #enrol(body: Body<'enrol'>): Promise<void> {
    this.#phase = 'checking';
    const outcome = await enrol(this.#hub, this.#session, body);
    if (!outcome.ok) {
      this.wire.refuse(outcome.code, outcome.reason, outcome.retryAfterMs);
      return;
    }
    this.#phase = 'enrolled';
    this.#hub.log('info', 'host enrolled', {host: outcome.agent, name: body.name, address: this.#address});
    this.wire.send({t: 'enrolled', b: {agent: outcome.agent}});
  }

  async #hello(body: Body<'hello'>): Promise<void> {
    this.#phase = 'checking';
    const hub = this.#hub;
    const outcome = await greet(hub, this.#session, body);
    if (!outcome.ok) {
      if (outcome.cloned !== undefined) {
        hub.log('warning', 'two machines use one host key: frozen', {host: outcome.cloned, address: this.#address});
        hub.disconnect(outcome.cloned, 'HOST_FROZEN');
      }
      this.wire.refuse(outcome.code, outcome.reason);
      return;
    }
    const {host, join, degraded} = outcome;
    const documents = new HostDocuments(host.documents);
    const {want} = await this.#compare(host.id, documents, body.documents);
    if (this.wire.isEnded) return;
    this.#open = {
      host,
      documents,
      stream: new HostStream(hub, this.wire, host),
      documentRate: new Bucket(documentsPerSecond, documentsBurst, hub.uptime()),
    };
    this.wire.host = host.id;
    this.#phase = 'open';
    this.#onOpen();
    hub.open(host.id, this);
    hub.notePresence({host: host.id, seenAt: hub.now(), connectedAt: hub.now(), degraded, reeve: body.reeve});
    hub.wheel.set(this.#turn, this.#heartbeatMs);
    const {heartbeatMs, windowBatches} = limits;
    const spreadMs = hub.spreadMs();
    const ack = host.position;
    this.wire.send({t: 'welcome', b: {ack, want, join, heartbeatMs, spreadMs, windowBatches, time: this.#time()}});
  }

  async #document(body: Body<'document'>): Promise<void> {
    const {host, documents, documentRate} = this.#opened();
    const {kind, digest, bytes} = body;
    if (!documents.isWanted(kind, digest)) {
      this.wire.send({t: 'kept', b: {documents: [digest]}});
      return;
    }
    if (!documentRate.take(this.#hub.uptime())) {
      this.wire.refuse('BUSY', 'more documents than are taken at a time');
      return;
    }
    const opened = openDocument(body);
    if (!opened.ok) {
      this.wire.refuse(opened.code, opened.reason);
      return;
    }
    const now = this.#hub.now();
    await this.#hub.store.keepDocument({kind, digest, bytes, body: opened.frame, host: host.id, now});
    documents.linked(kind, digest);
    this.wire.send({t: 'kept', b: {documents: [digest]}});
  }

  async #heartbeat(body: Body<'heartbeat'>): Promise<void> {
    const hub = this.#hub;
    const {host, stream, documents} = this.#opened();
    const now = hub.now();
    const skew = Date.parse(body.time) - now;
    const clock = Number.isNaN(skew) ? {} : {clockSkewMs: skew};
    hub.notePresence({host: host.id, seenAt: now, checkedAt: body.checkedAt, ...clock});
    if (stream.differs(body.at, body.digest) && hub.mayResync(host.id)) {
      hub.log('warning', 'what is stored differs from what the host has: asked for the whole set', {host: host.id});
      this.wire.send({t: 'resync', b: {reason: 'the digest differs'}});
    }
    const {kept} = await this.#compare(host.id, documents, body.documents);
    if (kept.length > 0) this.wire.send({t: 'kept', b: {documents: kept}});
  }

  /** Which of the documents that a host names anew are kept, which it then has, and which are wanted. */
  async #compare(
    host: string,
    documents: HostDocuments,
    named: Body<'hello'>['documents'],
  ): Promise<{kept: string[]; want: string[]}> {
    const fresh = documents.name(named);
    if (fresh.length === 0) return {kept: [], want: []};
    const missing = new Set(await this.#hub.store.missingDocuments(fresh.map(({digest}) => digest)));
    const kept = fresh.filter(({digest}) => !missing.has(digest));
    for (const {kind, digest} of kept) {
      if (documents.isLinked(kind, digest)) continue;
      await this.#hub.store.linkDocument(host, kind, digest);
      documents.linked(kind, digest);
    }
    return {kept: kept.map(({digest}) => digest), want: [...missing]};
  }

  async #rotate(body: Body<'rotate'>): Promise<void> {
    const open = this.#opened();
    const {host} = open;
    const newKey = Buffer.from(body.publicKey, 'base64');
    const oldKey = Buffer.from(host.publicKey);
    const {nonce} = this.#session;
    const claim = rotateBytes({fleet: this.#hub.fleet, agent: host.id, oldKey, newKey, nonce});
    if (!isSigned(claim, body.signature, oldKey) || !isSigned(claim, body.newSignature, newKey)) {
      this.wire.refuse('UNAUTHENTICATED', 'the new key is not signed by both keys');
      return;
    }
    if (!(await this.#hub.store.rotateKey(host.id, newKey))) {
      this.wire.refuse('UNAUTHENTICATED', 'the new key is in use already');
      return;
    }
    open.host = {...host, publicKey: newKey, previousKey: oldKey};
    open.stream.trust(open.host);
    this.#hub.log('info', 'host key replaced', {host: host.id});
    this.wire.send({t: 'rotated', b: {publicKey: body.publicKey}});
  }

  /** What time asks for: the end of a greeting, a ping, a heartbeat, the end of a dead connection. */
  #look(now: number): number | null {
    if (this.wire.isEnded) return null;
    this.wire.resume();
    if (this.#open === null) {
      const leftMs = limits.helloMs - (now - this.#startedAt);
      if (leftMs <= 0) this.wire.refuse('SLOW', 'no right hello came in time');
      return leftMs;
    }
    const silentMs = this.wire.silentMs(now);
    if (silentMs >= limits.deadMs) {
      this.wire.refuse('SLOW', 'nothing was heard for too long');
      return null;
    }
    const isQuiet = silentMs >= limits.pingAfterMs;
    if (isQuiet && !this.#pinged) this.wire.ping();
    this.#pinged = isQuiet;
    if (this.wire.unsaidMs(now) >= this.#heartbeatMs && !this.wire.isSlow)
      this.wire.send({t: 'heartbeat', b: {time: this.#time()}});
    const untilHeartbeat = Math.max(waitAfterFramesMs, this.#heartbeatMs - this.wire.unsaidMs(now));
    const nextLimit = silentMs < limits.pingAfterMs ? limits.pingAfterMs : limits.deadMs;
    return Math.min(untilHeartbeat, nextLimit - silentMs);
  }

  #opened(): Open {
    if (this.#open === null) throw new Error('the connection is not open yet');
    return this.#open;
  }

  #time(): string {
    return new Date(this.#hub.now()).toISOString();
  }

  #closed(): void {
    this.#hub.wheel.remove(this.#turn);
    this.#hub.remove(this);
  }
}
