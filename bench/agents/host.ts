import {generateKeyPairSync, type KeyObject} from 'node:crypto';
import type {RawData} from 'ws';
import type {WireFinding} from '../../controller/protocol/batch.ts';
import {closeCodes} from '../../controller/protocol/close-codes.ts';
import {decodeMessage, encodeMessage, packDocument} from '../../controller/protocol/codec.ts';
import type {JoinTicket} from '../../controller/protocol/join.ts';
import {limits} from '../../controller/protocol/limits.ts';
import {type FromController, type FromHost, fromController} from '../../controller/protocol/messages.ts';
import {
  bindingLabel,
  bindingLength,
  enrolBytes,
  helloBytes,
  rawPublicKey,
  signEd25519,
} from '../../controller/protocol/signing.ts';
import {BackOff} from './back-off.ts';
import {type Dialled, dial} from './dial.ts';
import {SimulatedStream} from './stream.ts';

/** What a host tells whoever drives it; one value for all hosts. */
export type HostEvents = {
  open?(host: SimulatedHost): void;
  /** `code`: a name of close-codes.ts, `HTTP <status>` before the upgrade, or what the system said. */
  lost?(host: SimulatedHost, code: string): void;
  acknowledged?(host: SimulatedHost, steps: number, ms: number): void;
};

export type Document = {digest: string; bytes: number; packed: Buffer};
export const packed = (plain: Buffer, digest: string): Document => ({
  digest,
  bytes: plain.length,
  packed: packDocument(plain),
});

export type HostOptions = {
  ticket: JoinTicket;
  name: string;
  /** The rules document, which most hosts share; none by default. */
  rules?: Document;
  events?: HostEvents;
  /** Whether to come back after a lost connection; default true. */
  comesBack?: boolean;
  random?: () => number;
};

/** Counted since the host was made, but for what says otherwise. */
export type HostStats = {
  connects: number;
  batchesSent: number;
  stepsAcknowledged: number;
  /** Bytes of WebSocket messages, in this connection. */
  sentBytes: number;
  receivedBytes: number;
  /** Bytes of TCP, TLS handshake included, in this connection. */
  wireSentBytes: number;
  wireReceivedBytes: number;
};

type Phase = 'off' | 'greeting' | 'open';

/** One host of `reeve.v1` that has no machine: real keys, a real connection, findings that it is given. */
export class SimulatedHost {
  readonly name: string;
  readonly #ticket: JoinTicket;
  readonly #rules: Document | undefined;
  readonly #events: HostEvents;
  readonly #comesBack: boolean;
  readonly #random: () => number;
  readonly #backOff: BackOff;
  readonly #key: KeyObject;
  readonly #publicKey: Buffer;
  #agent: string | null = null;
  #stream: SimulatedStream | null = null;
  #findings: readonly WireFinding[] = [];
  #phase: Phase = 'off';
  #wanted = false;
  #dialled: Dialled | null = null;
  #timer: NodeJS.Timeout | undefined;
  #join = '';
  #nonce: Buffer = Buffer.alloc(0);
  #window: number = limits.windowBatches;
  #heartbeatMs: number = limits.heartbeatMs;
  #heardAt = 0;
  /** When each batch under way was sent, oldest first. */
  readonly #underWay: number[] = [];
  #refusal = '';
  #leastMs = 0;
  #stats = {connects: 0, batchesSent: 0, stepsAcknowledged: 0, sentBytes: 0, receivedBytes: 0};

  constructor({ticket, name, rules, events = {}, comesBack = true, random = Math.random}: HostOptions) {
    const {privateKey, publicKey} = generateKeyPairSync('ed25519');
    this.name = name;
    this.#ticket = ticket;
    this.#rules = rules;
    this.#events = events;
    this.#comesBack = comesBack;
    this.#random = random;
    this.#backOff = new BackOff(random);
    this.#key = privateKey;
    this.#publicKey = rawPublicKey(publicKey);
  }

  get agent(): string | null {
    return this.#agent;
  }

  get isOpen(): boolean {
    return this.#phase === 'open';
  }

  /** Steps and batches that the controller has not acknowledged. */
  get waiting(): number {
    return this.#stream?.unacknowledged.length ?? 0;
  }

  get stats(): HostStats {
    const {tcp} = this.#dialled ?? {};
    return {...this.#stats, wireSentBytes: tcp?.bytesWritten ?? 0, wireReceivedBytes: tcp?.bytesRead ?? 0};
  }

  /** Starts trying, the first time with the ticket's token; `events.open` says when it is there. */
  connect(): void {
    this.#wanted = true;
    if (this.#dialled === null) this.#dial();
  }

  /** Ends the connection, as a process that is killed would, and stays away until `connect()`. */
  disconnect(): void {
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.#dialled?.tls.destroy();
  }

  /** These are all findings of the host. Before it is enrolled they wait. */
  report(findings: readonly WireFinding[]): void {
    this.#findings = findings;
    this.#stream?.replace(findings);
    this.#pump();
  }

  /** Gives the first `count` findings another verdict, in one batch as far as it goes. */
  change(count: number): void {
    this.#stream?.change(count);
    this.#pump();
  }

  #dial(): void {
    clearTimeout(this.#timer);
    this.#phase = 'greeting';
    this.#refusal = '';
    this.#leastMs = 0;
    this.#underWay.length = 0;
    Object.assign(this.#stats, {sentBytes: 0, receivedBytes: 0});
    const dialled = dial(this.#ticket.url, this.#ticket.pins);
    this.#dialled = dialled;
    const {ws} = dialled;
    ws.on('message', (data, isBinary) => this.#read(data, isBinary));
    ws.on('unexpected-response', (_request, response) => {
      this.#refusal = `HTTP ${response.statusCode}`;
      this.#leastMs = Math.min(3600, Number(response.headers['retry-after']) || 0) * 1000;
      // Whoever listens for this event ends the attempt: only then does `close` come.
      ws.terminate();
      dialled.tls.destroy();
    });
    ws.on('error', error => {
      this.#refusal ||= (error as NodeJS.ErrnoException).code ?? error.message;
    });
    ws.on('close', code => this.#lost(code));
  }

  #lost(close: number): void {
    const known = Object.entries(closeCodes).find(([, row]) => row.close === close);
    const code = known?.[0] ?? (this.#refusal || `close ${close}`);
    this.#phase = 'off';
    this.#dialled = null;
    clearTimeout(this.#timer);
    this.#events.lost?.(this, code);
    if (!this.#wanted || !this.#comesBack) return;
    const waitMs = this.#backOff.lost(Date.now(), {retry: known?.[1].retry ?? true, leastMs: this.#leastMs});
    this.#timer = setTimeout(() => this.#dial(), waitMs);
  }

  #read(data: RawData, isBinary: boolean): void {
    const text = data.toString();
    this.#stats.receivedBytes += Buffer.byteLength(text);
    this.#heardAt = Date.now();
    const decoded = isBinary ? null : decodeMessage(fromController, text);
    if (decoded?.ok) this.#take(decoded.value);
    else this.#dialled?.tls.destroy(new Error(decoded?.reason ?? 'a binary frame'));
  }

  #take(message: FromController): void {
    switch (message.t) {
      case 'challenge':
        this.#nonce = Buffer.from(message.b.nonce, 'base64');
        if (this.#agent === null) this.#enrol();
        else this.#hello(this.#agent);
        break;
      case 'enrolled':
        this.#agent = message.b.agent;
        this.#stream = new SimulatedStream(this.#agent, this.#key);
        if (this.#findings.length > 0) this.#stream.replace(this.#findings);
        this.#hello(this.#agent);
        break;
      case 'welcome':
        this.#open(message.b);
        break;
      case 'ack':
        this.#acknowledged(message.b);
        break;
      case 'resync':
        this.#stream?.resync();
        this.#pump();
        break;
      case 'drain':
        this.#leastMs = message.b.afterMs;
        break;
      case 'error':
        this.#refusal = message.b.code;
        this.#leastMs = message.b.retryAfterMs ?? 0;
        break;
      default:
        break;
    }
  }

  #enrol(): void {
    const {fleet, token} = this.#ticket;
    const signed = enrolBytes({fleet, publicKey: this.#publicKey, nonce: this.#nonce, binding: this.#binding()});
    this.#send({
      t: 'enrol',
      b: {
        token,
        publicKey: this.#publicKey.toString('base64'),
        name: this.name,
        binding: 'exporter',
        signature: signEd25519(signed, this.#key).toString('base64'),
      },
    });
  }

  #hello(agent: string): void {
    const claim = {fleet: this.#ticket.fleet, agent, nonce: this.#nonce, binding: this.#binding(), join: this.#join};
    const stream = this.#stream?.at;
    this.#send({
      t: 'hello',
      b: {
        agent,
        binding: 'exporter',
        signature: signEd25519(helloBytes(claim), this.#key).toString('base64'),
        join: this.#join,
        reeve: 'simulated',
        stream: stream === undefined || stream.n === 0 ? null : stream,
        documents: this.#documents(),
      },
    });
  }

  #binding(): Buffer {
    return (
      this.#dialled?.tls.exportKeyingMaterial(bindingLength, bindingLabel, Buffer.alloc(0)) ??
      Buffer.alloc(bindingLength)
    );
  }

  #documents(): {rules?: string} {
    return this.#rules === undefined ? {} : {rules: this.#rules.digest};
  }

  #open(welcome: Extract<FromController, {t: 'welcome'}>['b']): void {
    this.#phase = 'open';
    this.#join = welcome.join;
    this.#window = welcome.windowBatches;
    this.#heartbeatMs = welcome.heartbeatMs;
    this.#stats.connects++;
    this.#backOff.opened(Date.now(), welcome.spreadMs);
    const rules = this.#rules;
    if (rules !== undefined && welcome.want.includes(rules.digest))
      this.#send({
        t: 'document',
        b: {kind: 'rules', digest: rules.digest, bytes: rules.bytes, body: rules.packed.toString('base64')},
      });
    this.#stream?.meet(welcome.ack);
    this.#beatLater();
    this.#events.open?.(this);
    this.#pump();
  }

  #acknowledged(position: {epoch: number; n: number}): void {
    const stream = this.#stream;
    if (stream === null) return;
    const before = [...stream.unacknowledged];
    stream.acknowledge(position);
    const done = before.slice(0, before.length - stream.unacknowledged.length);
    for (const batch of done) {
      const sentAt = this.#underWay.shift();
      const steps = batch.to - batch.from + 1;
      this.#stats.stepsAcknowledged += steps;
      if (sentAt !== undefined) this.#events.acknowledged?.(this, steps, performance.now() - sentAt);
    }
    this.#pump();
  }

  /** Sends what the window allows. */
  #pump(): void {
    const stream = this.#stream;
    if (this.#phase !== 'open' || stream === null) return;
    for (;;) {
      const batch = stream.unacknowledged[this.#underWay.length];
      if (batch === undefined || this.#underWay.length >= this.#window) return;
      this.#underWay.push(performance.now());
      this.#stats.batchesSent++;
      const {epoch, from, to, payload, signature} = batch;
      this.#send({
        t: 'batch',
        b: {epoch, from, to, payload: payload.toString('base64'), signature: signature.toString('base64')},
      });
    }
  }

  #beatLater(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#beat(), this.#heartbeatMs * (0.9 + 0.2 * this.#random()));
  }

  #beat(): void {
    const stream = this.#stream;
    if (this.#phase !== 'open' || stream === null) return;
    if (Date.now() - this.#heardAt > limits.deadMs) {
      this.#dialled?.tls.destroy();
      return;
    }
    this.#send({
      t: 'heartbeat',
      b: {
        at: stream.at,
        digest: stream.digest,
        documents: this.#documents(),
        checkedAt: {},
        spool: {batches: stream.unacknowledged.length, bytes: 0},
        time: new Date().toISOString(),
      },
    });
    this.#beatLater();
  }

  #send(message: FromHost): void {
    const text = encodeMessage(message);
    this.#stats.sentBytes += Buffer.byteLength(text);
    this.#dialled?.ws.send(text);
  }
}
