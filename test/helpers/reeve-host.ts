import {generateKeyPairSync, type KeyObject} from 'node:crypto';
import {once} from 'node:events';
import {connect as connectTls, type TLSSocket} from 'node:tls';
import WebSocket from 'ws';
import type {Batch, Item, WireFinding} from '../../controller/protocol/batch.ts';
import {decodeMessage, encodeMessage, type SealedBatch, sealBatch} from '../../controller/protocol/codec.ts';
import {type FromController, type FromHost, fromController, type Position} from '../../controller/protocol/messages.ts';
import {findingDigest, SetDigest} from '../../controller/protocol/set-digest.ts';
import {
  bindingLabel,
  bindingLength,
  enrolBytes,
  helloBytes,
  rawPublicKey,
  signEd25519,
} from '../../controller/protocol/signing.ts';
import {pinOf} from '../../controller/tls/identity.ts';

export type Place = {url: string; pin: string; fleet: string};
type Message<T extends FromController['t']> = Extract<FromController, {t: T}>['b'];
type Hello = Extract<FromHost, {t: 'hello'}>['b'];

const waitMs = 30_000;

/** The TLS connection of a host: pinned, and as long as `ca` says nothing, trusted for that alone. */
export async function dialTls(place: Place): Promise<TLSSocket> {
  const {hostname, port} = new URL(place.url);
  const socket = connectTls({host: hostname, port: Number(port), minVersion: 'TLSv1.3', rejectUnauthorized: false});
  await once(socket, 'secureConnect');
  if (pinOf(socket.getPeerX509Certificate()?.raw as Buffer) !== place.pin) throw new Error('the pin is another');
  return socket;
}

/** One connection of a host to a controller: real TLS, real frames. Messages are awaited in the order in which they come. */
export class Dialled {
  readonly socket: TLSSocket;
  readonly ws: WebSocket;
  readonly place: Place;
  /** The close code, and what an `error` before it said. */
  readonly closed: Promise<{close: number; code: string | null; message: string | null}>;
  readonly messages: FromController[] = [];
  readonly #waiting: Array<() => void> = [];
  #isClosed = false;
  nonce = Buffer.alloc(0);

  private constructor(place: Place, socket: TLSSocket, ws: WebSocket) {
    this.place = place;
    this.socket = socket;
    this.ws = ws;
    ws.on('error', () => {});
    let error: Message<'error'> | null = null;
    ws.on('message', data => {
      const decoded = decodeMessage(fromController, data.toString());
      if (!decoded.ok) throw new Error(`the controller sent what is no message: ${decoded.reason}`);
      if (decoded.value.t === 'error') error = decoded.value.b;
      this.messages.push(decoded.value);
      this.#wake();
    });
    this.closed = new Promise(resolve =>
      ws.on('close', close => {
        this.#isClosed = true;
        this.#wake();
        resolve({close, code: error?.code ?? null, message: error?.message ?? null});
      }),
    );
  }

  static async open(place: Place, protocols = ['reeve.v1']): Promise<Dialled> {
    const socket = await dialTls(place);
    const ws = new WebSocket(place.url, protocols, {createConnection: () => socket, perMessageDeflate: false});
    const dialled = new Dialled(place, socket, ws);
    const challenge = await dialled.next('challenge');
    dialled.nonce = Buffer.from(challenge.nonce, 'base64');
    return dialled;
  }

  get binding(): Buffer {
    return this.socket.exportKeyingMaterial(bindingLength, bindingLabel, Buffer.alloc(0));
  }

  send(message: FromHost): void {
    this.ws.send(encodeMessage(message));
  }

  /** The next message of this type; those of other types before it are dropped. */
  async next<T extends FromController['t']>(type: T): Promise<Message<T>> {
    const deadline = AbortSignal.timeout(waitMs);
    for (;;) {
      const at = this.messages.findIndex(({t}) => t === type);
      if (at >= 0) return this.messages.splice(0, at + 1).at(-1)?.b as Message<T>;
      if (this.#isClosed) throw new Error(`closed while waiting for ${type}: ${JSON.stringify(await this.closed)}`);
      await new Promise<void>((resolve, reject) => {
        this.#waiting.push(resolve);
        deadline.addEventListener('abort', () => reject(new Error(`no ${type} came`)), {once: true});
      });
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async end(): Promise<void> {
    this.ws.close();
    await this.closed;
  }
}

/** A host as the controller sees one: its key, its id, its stream. What it sends can be bent at every step. */
export class ReeveHost {
  readonly place: Place;
  readonly name: string;
  key: KeyObject;
  publicKey: KeyObject;
  agent = '';
  join = '';
  epoch = 1;
  n = 0;
  readonly findings = new Map<string, WireFinding>();

  constructor(place: Place, name = 'web1') {
    this.place = place;
    this.name = name;
    const {privateKey, publicKey} = generateKeyPairSync('ed25519');
    this.key = privateKey;
    this.publicKey = publicKey;
  }

  /** A host that is enrolled and has said hello. */
  static async connected(place: Place, token: string, name = 'web1'): Promise<{host: ReeveHost; link: Dialled}> {
    const host = new ReeveHost(place, name);
    const link = await Dialled.open(place);
    await host.enrol(link, token);
    await host.hello(link);
    return {host, link};
  }

  sendEnrol(link: Dialled, token: string, change: Partial<Extract<FromHost, {t: 'enrol'}>['b']> = {}): void {
    const publicKey = rawPublicKey(this.publicKey);
    const claim = enrolBytes({fleet: this.place.fleet, publicKey, nonce: link.nonce, binding: link.binding});
    const signature = signEd25519(claim, this.key).toString('base64');
    const key = publicKey.toString('base64');
    link.send({
      t: 'enrol',
      b: {token, publicKey: key, name: this.name, binding: 'exporter', signature, ...change},
    });
  }

  async enrol(link: Dialled, token: string): Promise<void> {
    this.sendEnrol(link, token);
    this.agent = (await link.next('enrolled')).agent;
  }

  helloOf(link: Dialled, claim: {nonce?: Buffer; binding?: Buffer} = {}): Hello {
    const {agent, join} = this;
    const bytes = helloBytes({
      fleet: this.place.fleet,
      agent,
      nonce: claim.nonce ?? link.nonce,
      binding: claim.binding ?? link.binding,
      join,
    });
    const signature = signEd25519(bytes, this.key).toString('base64');
    return {agent, binding: 'exporter', signature, join, reeve: '0.1.0', stream: null, documents: {}};
  }

  async hello(link: Dialled, change: Partial<Hello> = {}): Promise<Message<'welcome'>> {
    link.send({t: 'hello', b: {...this.helloOf(link), ...change}});
    const welcome = await link.next('welcome');
    this.join = welcome.join;
    return welcome;
  }

  /** A new connection with a hello. */
  async connect(): Promise<{link: Dialled; welcome: Message<'welcome'>}> {
    const link = await Dialled.open(this.place);
    return {link, welcome: await this.hello(link)};
  }

  get position(): Position {
    return {epoch: this.epoch, n: this.n};
  }

  get digest(): string {
    const set = new SetDigest();
    for (const finding of this.findings.values()) set.add(findingDigest(finding));
    return set.toString();
  }

  /** Steps of the stream, numbered on from where it stands, and what they do to the set. */
  steps(...steps: Step[]): Item[] {
    return steps.map(step => {
      const n = ++this.n;
      if ('set' in step) {
        this.findings.set(`${step.set.rule} ${step.set.subject}`, step.set);
        return {n, t: 'set', f: step.set};
      }
      if ('gone' in step) {
        this.findings.delete(`${step.gone.rule} ${step.gone.subject}`);
        return {n, t: 'gone', rule: step.gone.rule, subject: step.gone.subject};
      }
      if ('gap' in step) return {n, t: 'gap', count: step.gap, reason: 'the spool was full'};
      return step.t === 'reset' ? {n, t: 'reset'} : {n, t: 'settled', count: this.findings.size, digest: this.digest};
    });
  }

  batchOf(items: Item[], change: Partial<Batch> = {}): Batch {
    const from = items[0]?.n ?? this.n;
    const at = '2026-11-21T10:00:00Z';
    return {v: 1, agent: this.agent, epoch: this.epoch, from, to: items.at(-1)?.n ?? from, at, items, ...change};
  }

  seal(items: Item[], change: Partial<Batch> = {}): SealedBatch {
    return sealBatch(this.batchOf(items, change), this.key);
  }

  send(link: Dialled, sealed: SealedBatch): void {
    const {epoch, from, to, payload, signature} = sealed;
    link.send({
      t: 'batch',
      b: {epoch, from, to, payload: payload.toString('base64'), signature: signature.toString('base64')},
    });
  }

  /** Seals and sends these steps, and waits until they are acknowledged. */
  async report(link: Dialled, ...steps: Step[]): Promise<Position> {
    const sealed = this.seal(this.steps(...steps));
    this.send(link, sealed);
    for (;;) {
      const ack = await link.next('ack');
      if (ack.epoch === sealed.epoch && ack.n >= sealed.to) return ack;
    }
  }
}

export type Step =
  | {set: WireFinding}
  | {gone: {rule: string; subject: string}}
  | {gap: number}
  | {t: 'reset' | 'settled'};

export const wireFinding = (rule: string, verdict: WireFinding['verdict'] = 'pass', subject = ''): WireFinding => ({
  rule,
  pack: 'base',
  severity: 'medium',
  subject,
  verdict,
  actual: {mode: '0644'},
  expected: {mode: '0600'},
});
