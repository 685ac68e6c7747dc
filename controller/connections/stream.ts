import type {KeyObject} from 'node:crypto';
import type {Batch} from '../protocol/batch.ts';
import {type Decoded, openBatch} from '../protocol/codec.ts';
import {limits} from '../protocol/limits.ts';
import type {FromHost, Position} from '../protocol/messages.ts';
import {publicKeyFromRaw} from '../protocol/signing.ts';
import type {KnownHost, Stored} from '../store/store.ts';
import {Bucket} from './bucket.ts';
import type {Hub} from './hub.ts';
import type {Wire} from './wire.ts';

type Body = Extract<FromHost, {t: 'batch'}>['b'];

/** Steps of one host: a whole set at once, then so many a second; what comes faster is acknowledged later. */
const stepsPerSecond = 2_000;
const stepsBurst = 25_000;

/** `windowBytes` as base64, in which payloads travel. */
const windowText = Math.ceil(limits.windowBytes / 3) * 4;

const noop = () => {};

/** The batches of one host on one connection: opened, stored in the order in which they came, acknowledged. */
export class HostStream {
  readonly #hub: Hub;
  readonly #wire: Wire;
  readonly #host: string;
  #keys: KeyObject[] = [];
  #position: Position | null;
  #digest: string;
  readonly #steps: Bucket;
  /** Ends when the batches that came are opened; holds none of them, since it stays as long as the connection. */
  #opening: Promise<void> = Promise.resolve();
  #waitMs = 0;
  #inFlight = 0;
  #inFlightText = 0;

  constructor(hub: Hub, wire: Wire, host: KnownHost) {
    this.#hub = hub;
    this.#wire = wire;
    this.#host = host.id;
    this.#position = host.position;
    this.#digest = host.digest;
    this.#steps = new Bucket(stepsPerSecond, stepsBurst, hub.uptime());
    this.trust(host);
  }

  /** Takes batches that are sealed with the host's key, or with the one before it: those were under way at its change. */
  trust({publicKey, previousKey}: Pick<KnownHost, 'publicKey' | 'previousKey'>): void {
    this.#keys = [publicKey, ...(previousKey === null ? [] : [previousKey])].map(publicKeyFromRaw);
  }

  /** Whether a host that stands at `at`, with this digest, has another set than what is stored of it. */
  differs(at: Position, digest: string): boolean {
    const stored = this.#position;
    const isSame = stored !== null && this.#inFlight === 0 && stored.epoch === at.epoch && stored.n === at.n;
    return isSame && digest !== this.#digest;
  }

  /** Rejects when the store could not do it. */
  async receive(body: Body): Promise<void> {
    const hub = this.#hub;
    const at = this.#position;
    // Not even opened: it is sent again because the acknowledgement was lost.
    if (at !== null && body.epoch === at.epoch && body.from <= body.to && body.to <= at.n) {
      hub.count.duplicateBatches++;
      this.#wire.send({t: 'ack', b: at});
      return;
    }
    const text = body.payload.length;
    if (this.#inFlight >= limits.windowBatches || (this.#inFlight > 0 && this.#inFlightText + text > windowText)) {
      this.#wire.refuse('BUSY', `more than ${limits.windowBatches} batches are under way`);
      return;
    }
    this.#inFlight++;
    this.#inFlightText += text;
    try {
      const opening = this.#opening.then(() => this.#openInTurn(body));
      this.#opening = opening.then(noop, noop);
      const opened = await opening;
      if (opened === null || this.#wire.isEnded) return;
      if (!opened.ok) {
        this.#wire.refuse(opened.code, opened.reason);
        return;
      }
      const storing = hub.store.storeBatch(this.#host, opened.value, hub.now());
      hub.pauseIfBusy(this.#wire);
      this.#answer(await storing, opened.value);
    } finally {
      this.#inFlight--;
      this.#inFlightText -= text;
      hub.resumeIfCalm();
    }
  }

  /** Null when the connection ended meanwhile. Opening a full batch takes the time of a hundred small ones. */
  async #openInTurn(body: Body): Promise<Decoded<Batch> | null> {
    if (this.#waitMs > 0) await new Promise(resolve => setTimeout(resolve, this.#waitMs));
    await this.#hub.turn();
    if (this.#wire.isEnded) return null;
    const opened = this.#open(body);
    this.#waitMs = this.#steps.spend(opened.ok ? opened.value.items.length : 0, this.#hub.uptime());
    return opened;
  }

  #open(body: Body): Decoded<Batch> {
    const {epoch, from, to} = body;
    const payload = Buffer.from(body.payload, 'base64');
    const sealed = {epoch, from, to, payload, signature: Buffer.from(body.signature, 'base64')};
    const [newest, ...older] = this.#keys.map(key => () => openBatch(sealed, this.#host, key));
    const opened = (newest as () => Decoded<Batch>)();
    return older.reduce((best, open) => (!best.ok && best.code === 'UNAUTHENTICATED' ? open() : best), opened);
  }

  #answer(stored: Stored, {items, to}: Batch): void {
    if (this.#wire.isEnded) return;
    switch (stored.state) {
      case 'stored':
        this.#position = stored.at;
        this.#digest = stored.digest;
        this.#hub.count.batches++;
        this.#hub.count.items += items.length;
        if (stored.settledOtherwise) this.#noteSettledOtherwise(to);
        this.#wire.send({t: 'ack', b: stored.at});
        break;
      case 'hole':
        this.#wire.refuse('STREAM_HOLE', 'the batch does not follow on what is stored');
        break;
      case 'replayed':
        this.#wire.refuse('STREAM_REPLAYED', `the stream is at epoch ${stored.at.epoch}`);
        break;
      case 'refused':
        this.#wire.refuse('PROTOCOL', stored.reason);
        break;
    }
  }

  /** Only counted here: when it is so, the next heartbeat's digest differs as well, and that asks for the whole set. */
  #noteSettledOtherwise(to: number): void {
    this.#hub.count.settledOtherwise++;
    this.#hub.log('warning', 'a whole set has another digest than its host said', {host: this.#host, to});
  }
}
