import {createHash, generateKeyPairSync, type KeyObject, randomUUID} from 'node:crypto';
import {rmSync} from 'node:fs';
import {createServer, type Server, type Socket} from 'node:net';
import {join} from 'node:path';
import {encodeFrame, FrameReader} from '../../agent/ipc/frames.ts';
import {type ControllerPlace, type FromAgent, type FromLink, fromLink} from '../../agent/ipc/link-messages.ts';
import type {Item} from '../../controller/protocol/batch.ts';
import {packDocument, sealBatch} from '../../controller/protocol/codec.ts';
import type {Position} from '../../controller/protocol/messages.ts';
import {hasShape} from '../../controller/protocol/shape.ts';
import {enrolBytes, helloBytes, rawPublicKey, signEd25519} from '../../controller/protocol/signing.ts';
import {Arrivals} from './waiting.ts';

/**
 * The agent's end of link.sock with a real host key, driven by a test: it answers as the contract says, notes all that
 * the link says, and `refused` has what no link may say.
 */
export class StubAgent {
  readonly said = new Arrivals<FromLink>();
  readonly refused: unknown[] = [];
  readonly key: KeyObject;
  readonly publicKey: Buffer;
  /** The id that it is enrolled under. */
  id: string = randomUUID();
  place: ControllerPlace | null = null;
  enrol: {place: ControllerPlace; token: string} | null = null;
  hostname = 'host-1';
  /** Steps a batch. */
  batchSteps = 10;
  /** Bytes that no compression shortens, a step. */
  padding = 0;
  epoch = 1;
  n = 0;
  rules: Buffer | null = null;
  signs = true;
  readonly #path: string;
  #stored: Position | null = null;
  #waiting: Item[] = [];
  #asked: {after: Position | null} | null = null;
  #server: Server | null = null;
  #socket: Socket | null = null;

  constructor(runFolder: string) {
    this.#path = join(runFolder, 'link.sock');
    const {privateKey, publicKey} = generateKeyPairSync('ed25519');
    this.key = privateKey;
    this.publicKey = rawPublicKey(publicKey);
  }

  async listen(): Promise<void> {
    rmSync(this.#path, {force: true});
    this.#server = createServer(socket => this.#connected(socket));
    await new Promise<void>(resolve => this.#server?.listen(this.#path, resolve));
  }

  async close(): Promise<void> {
    this.#socket?.destroy();
    const server = this.#server;
    this.#server = null;
    if (server !== null) await new Promise(resolve => server.close(resolve));
  }

  /** Ends the connection to the link, which comes back. */
  hangUp(): void {
    this.#socket?.destroy();
  }

  send(message: FromAgent): void {
    this.#socket?.write(encodeFrame(message));
  }

  /** Bytes as they are, for what no agent would say. */
  write(bytes: Buffer): void {
    this.#socket?.write(bytes);
  }

  /** Adds steps to the stream; they are named by `subject`. */
  step(...subjects: string[]): void {
    for (const subject of subjects) this.#waiting.push({...finding(subject, this.padding), n: ++this.n});
    this.state();
    this.#answer();
  }

  setup(): void {
    this.send({
      t: 'setup',
      reeve: '0.1.0',
      hostname: this.hostname,
      publicKey: this.publicKey.toString('base64'),
      enrolment: this.place === null ? null : {place: this.place, agent: this.id},
      enrol: this.enrol,
    });
  }

  state(): void {
    this.send({
      t: 'state',
      at: {epoch: this.epoch, n: this.n},
      digest: '0'.repeat(64),
      rules: this.rules === null ? null : sha256(this.rules),
      checkedAt: {base: '2026-01-02T03:04:05.000Z'},
    });
  }

  /** A stream above `epoch`, begun with a whole set. */
  newEpoch(epoch = this.epoch + 1): void {
    this.epoch = epoch;
    this.n = 0;
    this.#stored = null;
    this.#waiting = [{n: ++this.n, t: 'reset'}];
    this.state();
  }

  #connected(socket: Socket): void {
    this.#socket?.destroy();
    this.#socket = socket;
    this.#asked = null;
    const reader = new FrameReader();
    socket.on('error', () => {});
    socket.on('data', chunk => {
      const read = reader.push(chunk);
      if (!read.ok) throw new Error(read.reason);
      for (const value of read.values) this.#received(value as FromLink);
    });
    this.setup();
    this.state();
  }

  #received(message: FromLink): void {
    const schema = Object.hasOwn(fromLink, message.t) ? fromLink[message.t] : null;
    if (schema === null || !hasShape(schema, message)) this.refused.push(message);
    if (message.t === 'next') this.#next(message.after);
    else if (message.t === 'sign') this.#sign(message);
    else if (message.t === 'resync') this.#resync(message.controllerAt);
    else if (message.t === 'wantDocument' && this.rules !== null) this.#document(this.rules);
    else if (message.t === 'enrolled') {
      this.id = message.agent;
      this.place = this.enrol?.place ?? null;
      this.enrol = null;
      this.setup();
    }
    this.said.add(message);
  }

  #next(after: Position | null): void {
    const isOurs = after !== null && after.epoch === this.epoch && after.n <= this.n;
    const isBefore = after !== null && after.epoch < this.epoch && this.#stored === null;
    if (isOurs) {
      this.#stored = after;
      this.#waiting = this.#waiting.filter(({n}) => n > after.n);
    } else if (!isBefore && (after !== null || this.#stored !== null))
      this.newEpoch(Math.max(after?.epoch ?? 0, this.epoch) + 1);
    this.#asked = {after};
    this.#answer();
  }

  #resync(controllerAt: Position | null): void {
    if (controllerAt !== null && controllerAt.epoch >= this.epoch && controllerAt.n > this.n)
      this.newEpoch(controllerAt.epoch + 1);
    else this.#waiting.push({n: ++this.n, t: 'reset'});
    this.#answer();
  }

  #answer(): void {
    const items = this.#waiting.slice(0, this.batchSteps);
    const [first, last] = [items[0], items.at(-1)];
    if (this.#asked === null || this.#socket === null || first === undefined || last === undefined) return;
    this.#asked = null;
    const {payload, signature} = this.seal(items);
    this.send({
      t: 'batch',
      epoch: this.epoch,
      from: first.n,
      to: last.n,
      payload: payload.toString('base64'),
      signature: signature.toString('base64'),
    });
  }

  seal(items: Item[]): {payload: Buffer; signature: Buffer} {
    const [from, to] = [items[0]?.n ?? 0, items.at(-1)?.n ?? 0];
    return sealBatch(
      {v: 1, agent: this.id, epoch: this.epoch, from, to, at: '2026-01-02T03:04:05.000Z', items},
      this.key,
    );
  }

  #sign(request: Extract<FromLink, {t: 'sign'}>): void {
    const place = this.enrol?.place ?? this.place;
    if (!this.signs || place === null) {
      this.send({t: 'signed', id: request.id, signature: null, reason: 'not now'});
      return;
    }
    const [nonce, binding] = [Buffer.from(request.nonce, 'base64'), Buffer.from(request.binding, 'base64')];
    const bytes =
      request.purpose === 'hello'
        ? helloBytes({fleet: place.fleet, agent: this.id, nonce, binding, join: request.join})
        : enrolBytes({fleet: place.fleet, publicKey: this.publicKey, nonce, binding});
    this.send({t: 'signed', id: request.id, signature: signEd25519(bytes, this.key).toString('base64')});
  }

  #document(plain: Buffer): void {
    this.send({
      t: 'document',
      digest: sha256(plain),
      bytes: plain.length,
      body: packDocument(plain).toString('base64'),
    });
  }
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const finding = (subject: string, padding: number): Omit<Extract<Item, {t: 'set'}>, 'n'> => ({
  t: 'set',
  f: {rule: 'base.test', pack: 'base', severity: 'low', subject, verdict: 'fail', reason: noise(padding)},
});

/** Text that does not compress. */
function noise(bytes: number): string {
  let text = '';
  while (text.length < bytes) text += randomUUID();
  return text.slice(0, bytes);
}
