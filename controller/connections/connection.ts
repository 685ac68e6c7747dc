import {type KeyObject, randomBytes} from 'node:crypto';
import type {RawData, WebSocket} from 'ws';
import {type CloseName, closeCodes, closeRestart} from '../protocol/close-codes.ts';
import {decodeMessage, encodeMessage, openBatch} from '../protocol/codec.ts';
import {limits} from '../protocol/limits.ts';
import {type FromController, type FromHost, fromHost, type Position} from '../protocol/messages.ts';
import {publicKeyFromRaw, rotateBytes} from '../protocol/signing.ts';
import {StoreError} from '../store/errors.ts';
import type {KnownHost} from '../store/store.ts';
import {Bucket} from './bucket.ts';
import {HostDocuments, openDocument} from './documents.ts';
import {enrol, greet, isSigned, type Session} from './greeting.ts';
import type {Hub} from './hub.ts';

/** `checking`: a greeting is being looked at, and nothing else may come. */
type Phase = 'greeting' | 'enrolled' | 'checking' | 'open' | 'ended';
type Body<T extends FromHost['t']> = Extract<FromHost, {t: T}>['b'];
type Handlers = {[T in FromHost['t']]: {phases: readonly Phase[]; handle: (body: Body<T>) => void | Promise<void>}};

/** Frames a second (pings among them) that are read of one peer; the rest waits in its socket. */
const framesPerSecond = 500;
/** Documents of one host: some at once, then one in ten seconds. */
const documentsPerSecond = 0.1;
const documentsBurst = 6;
/** How long a host should wait when nothing can be stored. */
const unavailableMs = 30_000;
const waitAfterFramesMs = 1_000;

/** One connection of `reeve.v1`, from the upgrade to the close: PROTOCOL.md, Phases. */
export class Connection {
  readonly closed: Promise<void>;
  host: KnownHost | null = null;
  readonly #hub: Hub;
  readonly #ws: WebSocket;
  readonly #address: string;
  readonly #onOpen: () => void;
  readonly #session: Session;
  readonly #startedAt: number;
  readonly #frames: Bucket;
  readonly #documentRate: Bucket;
  readonly #turn = (now: number): number | null => this.#look(now);
  #keys: KeyObject[] = [];
  #documents = new HostDocuments({rules: null, inventory: null});
  #phase: Phase = 'greeting';
  #position: Position | null = null;
  #digest = '';
  #inFlight = 0;
  #inFlightBytes = 0;
  #heardAt: number;
  #saidAt: number;
  #pinged = false;
  #paused = false;
  #heartbeatMs: number;

  /** `exporter` is what ties a hello to the TLS connection; `onOpen` is called once, after a right hello. */
  constructor(hub: Hub, ws: WebSocket, peer: {exporter: Buffer; address: string; onOpen: () => void}) {
    this.#hub = hub;
    this.#ws = ws;
    this.#address = peer.address;
    this.#onOpen = peer.onOpen;
    this.#session = {nonce: randomBytes(32), exporter: peer.exporter};
    const now = hub.uptime();
    this.#startedAt = now;
    this.#heardAt = now;
    this.#saidAt = now;
    this.#frames = new Bucket(framesPerSecond, framesPerSecond, now);
    this.#documentRate = new Bucket(documentsPerSecond, documentsBurst, now);
    this.#heartbeatMs = limits.heartbeatMs * (0.9 + Math.random() * 0.2);
    this.closed = new Promise(resolve => ws.once('close', () => resolve()));
    hub.add(this);
    hub.wheel.set(this.#turn, limits.helloMs);
    ws.on('message', (data, isBinary) => this.#receive(data, isBinary));
    ws.on('ping', data => this.#pong(data));
    ws.on('pong', () => this.#hear());
    ws.on('error', error => this.#broken(error));
    ws.on('close', () => this.#gone());
    const time = new Date(hub.now()).toISOString();
    this.#send({t: 'challenge', b: {nonce: this.#session.nonce.toString('base64'), fleet: hub.fleet, time}});
  }

  /** How long the host has said nothing. */
  silentMs(): number {
    return this.#hub.uptime() - this.#heardAt;
  }

  /** Says why, and ends the connection. */
  refuse(code: CloseName, reason: string, retryAfterMs?: number): void {
    if (this.#phase === 'ended') return;
    const {refused} = this.#hub.count;
    refused[code] = (refused[code] ?? 0) + 1;
    this.#hub.log('info', 'connection refused', {code, reason, address: this.#address, host: this.host?.id ?? null});
    const after = retryAfterMs === undefined ? {} : {retryAfterMs: Math.min(3_600_000, retryAfterMs)};
    this.#send({t: 'error', b: {code, message: reason.slice(0, 400), ...after}});
    this.#close(closeCodes[code].close, code);
  }

  announceEnd(afterMs: number): void {
    if (this.#phase === 'open') this.#send({t: 'drain', b: {afterMs}});
  }

  /** A planned end: the host comes back after the delay that it was told. */
  end(): void {
    this.#close(closeRestart, 'restart');
  }

  terminate(): void {
    this.#ws.terminate();
  }

  pause(): void {
    this.#paused = true;
    this.#ws.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    // What was said meanwhile was not read, so silence begins now.
    this.#heardAt = this.#hub.uptime();
    this.#ws.resume();
  }

  readonly #handlers: Handlers = {
    enrol: {phases: ['greeting'], handle: body => this.#enrol(body)},
    hello: {phases: ['greeting', 'enrolled'], handle: body => this.#hello(body)},
    batch: {phases: ['open'], handle: body => this.#batch(body)},
    document: {phases: ['open'], handle: body => this.#document(body)},
    heartbeat: {phases: ['open'], handle: body => this.#heartbeat(body)},
    rotate: {phases: ['open'], handle: body => this.#rotate(body)},
  };

  #receive(data: RawData, isBinary: boolean): void {
    if (this.#phase === 'ended') return;
    this.#hear();
    const bytes = data as Buffer;
    this.#hub.count.receivedBytes += bytes.length;
    if (isBinary) return this.refuse('PROTOCOL', 'a frame is text');
    const decoded = decodeMessage(fromHost, bytes.toString('utf8'));
    if (!decoded.ok) return this.refuse(decoded.code, decoded.reason);
    const {t, b} = decoded.value;
    const {messages} = this.#hub.count;
    messages[t] = (messages[t] ?? 0) + 1;
    const {phases, handle} = this.#handlers[t] as {phases: readonly Phase[]; handle: (body: unknown) => unknown};
    if (!phases.includes(this.#phase)) return this.refuse('PROTOCOL', `"${t}" came out of turn`);
    Promise.try(handle, b).catch(error => this.#failed(error));
  }

  /** The store could not do it, or a bug of ours: the host keeps what it has and comes back. */
  #failed(error: unknown): void {
    const code = error instanceof StoreError ? error.code : 'BUG';
    const reason = error instanceof Error ? error.message : String(error);
    if (code === 'STORE_REFUSED') return this.refuse('TOO_LARGE', reason);
    if (this.#phase === 'ended') return;
    const bug = code === 'BUG' || code === 'STORE_BUG';
    this.#hub.log(bug ? 'error' : 'warning', 'a request of a host could not be carried out', {
      code,
      reason,
      host: this.host?.id ?? null,
    });
    this.refuse('UNAVAILABLE', 'the controller cannot store anything now', unavailableMs);
  }

  async #enrol(body: Body<'enrol'>): Promise<void> {
    this.#phase = 'checking';
    const outcome = await enrol(this.#hub, this.#session, body);
    if (this.#isEnded()) return;
    if (!outcome.ok) return this.refuse(outcome.code, outcome.reason, outcome.retryAfterMs);
    this.#phase = 'enrolled';
    this.#hub.log('info', 'host enrolled', {host: outcome.agent, name: body.name, address: this.#address});
    this.#send({t: 'enrolled', b: {agent: outcome.agent}});
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
      return this.refuse(outcome.code, outcome.reason, outcome.retryAfterMs);
    }
    const {host, join, degraded} = outcome;
    const documents = new HostDocuments(host.documents);
    const {want} = await this.#compare(host.id, documents, body.documents);
    if (this.#isEnded()) return;
    this.host = host;
    this.#documents = documents;
    this.#keys = [host.publicKey, ...(host.previousKey === null ? [] : [host.previousKey])].map(publicKeyFromRaw);
    this.#position = host.position;
    this.#digest = host.digest;
    this.#phase = 'open';
    this.#onOpen();
    hub.open(host.id, this);
    const now = hub.now();
    hub.notePresence({host: host.id, seenAt: now, connectedAt: now, degraded, reeve: body.reeve});
    hub.wheel.set(this.#turn, this.#heartbeatMs);
    this.#send({
      t: 'welcome',
      b: {
        ack: host.position,
        want,
        join,
        heartbeatMs: limits.heartbeatMs,
        spreadMs: hub.spreadMs(),
        windowBatches: limits.windowBatches,
        time: new Date(now).toISOString(),
      },
    });
  }

  #batch(body: Body<'batch'>): void {
    const hub = this.#hub;
    const host = this.host as KnownHost;
    hub.count.batches++;
    const at = this.#position;
    if (at !== null && body.epoch === at.epoch && body.to <= at.n && body.from <= body.to) {
      hub.count.duplicateBatches++;
      return this.#send({t: 'ack', b: at});
    }
    const bytes = body.payload.length;
    if (this.#inFlight >= limits.windowBatches || (this.#inFlight > 0 && this.#inFlightBytes + bytes > windowText))
      return this.refuse('BUSY', `more than ${limits.windowBatches} batches are under way`);
    const {epoch, from, to} = body;
    const payload = Buffer.from(body.payload, 'base64');
    const sealed = {epoch, from, to, payload, signature: Buffer.from(body.signature, 'base64')};
    let opened = openBatch(sealed, host.id, this.#keys[0] as KeyObject);
    if (!opened.ok && opened.code === 'UNAUTHENTICATED' && this.#keys[1] !== undefined)
      opened = openBatch(sealed, host.id, this.#keys[1]);
    if (!opened.ok) return this.refuse(opened.code, opened.reason);
    const batch = opened.value;
    this.#inFlight++;
    this.#inFlightBytes += bytes;
    hub.store
      .storeBatch(host.id, batch, hub.now())
      .then(stored => {
        if (this.#isEnded()) return;
        switch (stored.state) {
          case 'stored':
            hub.count.items += batch.items.length;
            this.#position = stored.at;
            this.#digest = stored.digest;
            if (stored.settledOtherwise) {
              hub.count.settledOtherwise++;
              hub.log('warning', 'a whole set has another digest than the host said', {host: host.id, to: batch.to});
            }
            return this.#send({t: 'ack', b: stored.at});
          case 'hole':
            return this.refuse('STREAM_HOLE', 'the batch does not follow on what is stored');
          case 'replayed':
            return this.refuse('STREAM_REPLAYED', `the stream is at epoch ${stored.at.epoch}`);
          case 'refused':
            return this.refuse('PROTOCOL', stored.reason);
        }
      })
      .catch(error => this.#failed(error))
      .finally(() => {
        this.#inFlight--;
        this.#inFlightBytes -= bytes;
        hub.resumeIfCalm();
      });
    hub.pauseIfBusy(this);
  }

  async #document(body: Body<'document'>): Promise<void> {
    const {kind, digest, bytes} = body;
    const host = this.host as KnownHost;
    if (!this.#documents.isWanted(kind, digest)) return this.#send({t: 'kept', b: {documents: [digest]}});
    if (!this.#documentRate.take(this.#hub.uptime())) return this.refuse('BUSY', 'too many documents');
    const opened = openDocument(body);
    if (!opened.ok) return this.refuse(opened.code, opened.reason);
    const now = this.#hub.now();
    await this.#hub.store.keepDocument({kind, digest, bytes, body: opened.frame, host: host.id, now});
    this.#documents.linked(kind, digest);
    this.#send({t: 'kept', b: {documents: [digest]}});
  }

  async #heartbeat(body: Body<'heartbeat'>): Promise<void> {
    const hub = this.#hub;
    const host = (this.host as KnownHost).id;
    const now = hub.now();
    const skew = Date.parse(body.time) - now;
    const clock = Number.isNaN(skew) ? {} : {clockSkewMs: Math.round(skew)};
    hub.notePresence({host, seenAt: now, checkedAt: body.checkedAt, ...clock});
    const at = this.#position;
    const same = at !== null && this.#inFlight === 0 && at.epoch === body.at.epoch && at.n === body.at.n;
    if (same && body.digest !== this.#digest && hub.mayResync(host)) {
      hub.log('warning', 'what is stored differs from what the host has: asked for the whole set', {host});
      this.#send({t: 'resync', b: {reason: 'the digest differs'}});
    }
    const {kept} = await this.#compare(host, this.#documents, body.documents);
    if (kept.length > 0) this.#send({t: 'kept', b: {documents: kept}});
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
      await this.#hub.store.linkDocument(host, kind, digest);
      documents.linked(kind, digest);
    }
    return {kept: kept.map(({digest}) => digest), want: [...missing]};
  }

  async #rotate(body: Body<'rotate'>): Promise<void> {
    const host = this.host as KnownHost;
    const newKey = Buffer.from(body.publicKey, 'base64');
    const oldKey = Buffer.from(host.publicKey);
    const {nonce} = this.#session;
    const claim = rotateBytes({fleet: this.#hub.fleet, agent: host.id, oldKey, newKey, nonce});
    if (!isSigned(claim, body.signature, oldKey) || !isSigned(claim, body.newSignature, newKey))
      return this.refuse('UNAUTHENTICATED', 'the new key is not signed by both keys');
    if (!(await this.#hub.store.rotateKey(host.id, newKey)))
      return this.refuse('UNAUTHENTICATED', 'another host has this key');
    this.host = {...host, publicKey: newKey, previousKey: oldKey};
    this.#keys = [newKey, oldKey].map(publicKeyFromRaw);
    this.#hub.log('info', 'host key replaced', {host: host.id});
    this.#send({t: 'rotated', b: {publicKey: body.publicKey}});
  }

  /** Something was heard; after too much of it in a second the rest waits. */
  #hear(): void {
    const now = this.#hub.uptime();
    this.#heardAt = now;
    this.#pinged = false;
    if (this.#frames.take(now) || this.#paused) return;
    this.pause();
    this.#hub.wheel.set(this.#turn, waitAfterFramesMs);
  }

  #pong(data: Buffer): void {
    this.#hear();
    if (this.#ws.readyState === this.#ws.OPEN && this.#ws.bufferedAmount < limits.sendSoft) this.#ws.pong(data);
  }

  /** What time asks for: the end of a greeting, a ping, a heartbeat, the end of a dead connection. */
  #look(now: number): number | null {
    if (this.#phase === 'ended') return null;
    if (this.#phase !== 'open') {
      if (now - this.#startedAt >= limits.helloMs) this.refuse('SLOW', 'no right hello came in time');
      return limits.helloMs;
    }
    this.resume();
    const silentMs = now - this.#heardAt;
    if (silentMs >= limits.deadMs) {
      this.refuse('SLOW', 'nothing was heard for too long');
      return null;
    }
    if (silentMs >= limits.pingAfterMs && !this.#pinged) {
      this.#pinged = true;
      this.#ws.ping();
    }
    if (now - this.#saidAt >= this.#heartbeatMs && this.#ws.bufferedAmount < limits.sendSoft)
      this.#send({t: 'heartbeat', b: {time: new Date(this.#hub.now()).toISOString()}});
    const untilHeartbeat = Math.max(waitAfterFramesMs, this.#heartbeatMs - (now - this.#saidAt));
    const nextLimit = silentMs < limits.pingAfterMs ? limits.pingAfterMs : limits.deadMs;
    return Math.min(untilHeartbeat, nextLimit - silentMs);
  }

  #send(message: FromController): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    if (this.#ws.bufferedAmount > limits.sendHard) {
      this.#hub.log('info', 'connection ended: it does not read', {address: this.#address});
      return this.terminate();
    }
    this.#saidAt = this.#hub.uptime();
    this.#ws.send(encodeMessage(message));
  }

  #close(code: number, name: string): void {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    this.#hub.remove(this);
    this.#ws.resume();
    this.#ws.close(code, name);
  }

  #isEnded(): boolean {
    return this.#phase === 'ended';
  }

  #broken(error: Error & {code?: string}): void {
    if (this.#phase === 'ended' || error.code?.startsWith('WS_ERR') !== true) return;
    const code = tooLarge.has(error.code) ? 'TOO_LARGE' : 'PROTOCOL';
    const {refused} = this.#hub.count;
    refused[code] = (refused[code] ?? 0) + 1;
    this.#hub.log('info', 'connection broken', {code: error.code, address: this.#address, host: this.host?.id ?? null});
  }

  #gone(): void {
    this.#phase = 'ended';
    this.#hub.wheel.remove(this.#turn);
    this.#hub.remove(this);
  }
}

/** `windowBytes` as base64, in which payloads travel. */
const windowText = Math.ceil(limits.windowBytes / 3) * 4;
const tooLarge = new Set([
  'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
  'WS_ERR_TOO_MANY_BUFFERED_PARTS',
  'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
]);
