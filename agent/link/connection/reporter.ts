import {isDeepStrictEqual} from 'node:util';
import type {Static} from 'typebox';
import {limits} from '../../../controller/protocol/limits.ts';
import type {FromController, Position} from '../../../controller/protocol/messages.ts';
import type {ControllerPlace, fromAgent} from '../../ipc/link-messages.ts';
import {type Clock, timeText} from '../clock.ts';
import {comparePositions, follows} from '../position.ts';
import {LinkProblem} from '../problem.ts';
import type {Claim} from '../signer.ts';
import type {Spool} from '../spool/spool.ts';
import type {Ended, OncePer} from './backoff.ts';
import type {Line} from './dial.ts';
import {type Document, DocumentOffer, type Named} from './documents.ts';
import {BatchSender} from './sender.ts';
import {Session, type SessionTimes} from './session.ts';

export type Setup = Static<typeof fromAgent.setup>;
export type AgentState = Static<typeof fromAgent.state>;
export type Enrolment = NonNullable<Setup['enrolment']>;

/** Milliseconds without an acknowledgement while batches are under way, until the connection is given up. */
const ackMs = 5 * 60_000;

/** What a session needs of the link around it. */
export type Surroundings = {
  clock: Clock;
  random: () => number;
  times: SessionTimes;
  spool: Spool;
  /** Bounds how often a controller can make the agent send everything again. */
  wholeSets: OncePer;
  setup(): Setup;
  state(): AgentState;
  named(): Named;
  sign(claim: Claim): Promise<string>;
  fetchDocument(kind: 'rules' | 'inventory', digest: string): void;
  /** The token was taken. */
  onEnrolled(agent: string): void;
  onOpen(): void;
  onSkew(skewMs: number): void;
  /** There is more room in the spool. */
  onSpoolChange(): void;
  /** The stream goes on somewhere else than where the agent was asked to. */
  onStreamMoved(): void;
  onProblem(problem: LinkProblem): void;
  askResync(reason: string, controllerAt: Position | null): void;
};

/** Talks to the controller over one line: enrols if it has a token, says hello, sends what is spooled. */
export class Reporter {
  readonly #around: Surroundings;
  readonly #place: ControllerPlace;
  readonly #token: string | null;
  readonly #binding: Buffer;
  readonly #session: Session;
  readonly #offer: DocumentOffer;
  #nonce = '';
  #isEnrolled = false;
  #helloAt = 0;
  #roundTripMs = 0;
  #greeted: Named = {};
  #sender: BatchSender | null = null;
  #generation = 0;
  #cancelAck: () => void = () => {};

  constructor(
    line: Line,
    place: ControllerPlace,
    token: string | null,
    around: Surroundings,
    onEnd: (ended: Ended) => void,
  ) {
    this.#around = around;
    this.#place = place;
    this.#token = token;
    this.#binding = line.binding;
    this.#offer = new DocumentOffer(around.fetchDocument, around.clock);
    this.#session = new Session(
      line.ws,
      {
        onMessage: message => this.#received(message),
        onEnd: ended => {
          this.#offer.end();
          this.#cancelAck();
          onEnd(ended);
        },
      },
      around.clock,
      around.random,
      around.times,
    );
  }

  get isOpen(): boolean {
    return this.#session.isOpen;
  }

  /** Whether the controller at this place took the token just now, so that a hello may follow on this line. */
  isEnrolledAt(place: ControllerPlace): boolean {
    return this.#isEnrolled && !this.#session.isEnding && isDeepStrictEqual(place, this.#place);
  }

  close(): void {
    this.#session.end('CLOSED', 'the link let the connection go');
  }

  #received(message: Exclude<FromController, {t: 'error' | 'rotated'}>): void {
    try {
      switch (message.t) {
        case 'challenge':
          this.#challenged(message.b);
          break;
        case 'enrolled':
          this.#isEnrolled = true;
          this.#around.onEnrolled(message.b.agent);
          break;
        case 'welcome':
          this.#welcomed(message.b);
          break;
        case 'ack':
          this.#acknowledged(message.b);
          break;
        case 'kept':
          this.#offer.kept(message.b.documents);
          break;
        case 'heartbeat':
          this.#measureClock(message.b.time, this.#roundTripMs);
          break;
        case 'resync':
          this.#resync(message.b.reason, this.#around.spool.acknowledged());
          break;
        case 'drain':
          break;
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    if (!(error instanceof LinkProblem)) throw error;
    this.#around.onProblem(error);
    this.#session.end(error.code, error.message);
  }

  /**
   * A full disk does not end the session, since what is spooled can still leave. The join value of before is shown again
   * then, which the controller takes.
   */
  #evenIfFull(write: () => void): void {
    try {
      write();
    } catch (error) {
      if (!(error instanceof LinkProblem)) throw error;
      this.#around.onProblem(error);
    }
  }

  #challenged({nonce, fleet}: Extract<FromController, {t: 'challenge'}>['b']): void {
    if (fleet !== this.#place.fleet)
      throw new LinkProblem('FLEET_MISMATCH', `the controller is of fleet ${fleet}; wanted ${this.#place.fleet}`);
    this.#nonce = nonce;
    if (this.#token === null) this.#greet();
    else this.#enrol(this.#token);
  }

  #enrol(token: string): void {
    const {publicKey, hostname} = this.#around.setup();
    this.#around
      .sign({purpose: 'enrol', nonce: this.#nonce, binding: this.#binding.toString('base64')})
      .then(signature => {
        const binding = this.#place.tlsEndsAtProxy ? 'proxy' : 'exporter';
        this.#session.send({t: 'enrol', b: {token, publicKey, name: hostname, binding, signature}});
      })
      .catch((error: unknown) => this.#failed(error));
  }

  /** Says hello as the host that the setup names now. */
  greet(): void {
    this.#isEnrolled = false;
    try {
      this.#greet();
    } catch (error) {
      this.#failed(error);
    }
  }

  #greet(): void {
    const {spool} = this.#around;
    const {reeve, enrolment} = this.#around.setup();
    const join = spool.join();
    this.#around
      .sign({purpose: 'hello', nonce: this.#nonce, binding: this.#binding.toString('base64'), join})
      .then(signature => {
        this.#greeted = this.#around.named();
        this.#helloAt = this.#around.clock.monotonic();
        this.#session.send({
          t: 'hello',
          b: {
            agent: (enrolment as Enrolment).agent,
            binding: this.#place.tlsEndsAtProxy ? 'proxy' : 'exporter',
            signature,
            join,
            reeve,
            stream: spool.position(),
            documents: this.#greeted,
          },
        });
      })
      .catch((error: unknown) => this.#failed(error));
  }

  #welcomed({ack, want, join, windowBatches, time}: Extract<FromController, {t: 'welcome'}>['b']): void {
    this.#evenIfFull(() => this.#around.spool.setJoin(join));
    this.#roundTripMs = this.#around.clock.monotonic() - this.#helloAt;
    this.#measureClock(time, this.#roundTripMs);
    if (!this.#reconcile(ack)) return;
    this.#sender = new BatchSender(windowBatches, ack);
    this.#generation = this.#around.spool.generation;
    this.#session.startHeartbeats(() => this.#beat());
    this.#offer.greeted(this.#greeted, want);
    this.#around.onOpen();
    this.stateChanged();
    this.sendBatches();
  }

  /**
   * Brings the spool and what the controller has together: what it has goes; where it has more than we know of, we go on
   * there; where steps between the two are gone, the agent begins a new stream. False when the connection ends instead.
   */
  #reconcile(ack: Position | null): boolean {
    const {spool, state} = this.#around;
    const agentAt = state().at;
    const stored = spool.position();
    const isAhead = comparePositions(ack, stored) > 0;
    if (ack !== null) this.#evenIfFull(() => spool.acknowledge(ack));
    const first = spool.after(0);
    const hasHole =
      first === null ? !isAhead && comparePositions(ack, stored) !== 0 : !follows(ack, first) && !covers(first, ack);
    if (hasHole || comparePositions(ack, agentAt) > 0) {
      if (!this.#around.wholeSets.pass()) {
        this.#session.end('BUSY', 'the controller lacks what it had, again and too soon');
        return false;
      }
      if (hasHole) spool.forget();
      if (comparePositions(ack, agentAt) > 0) this.#around.askResync('the controller knows a newer stream', ack);
    }
    if (isAhead || hasHole) this.#around.onStreamMoved();
    else this.#around.onSpoolChange();
    return true;
  }

  #acknowledged(position: Position): void {
    const wrong = (this.#sender as BatchSender).acknowledge(position);
    if (wrong !== null) {
      this.#session.end('PROTOCOL', wrong);
      return;
    }
    this.#cancelAck();
    this.#cancelAck = () => {};
    this.#evenIfFull(() => this.#around.spool.acknowledge(position));
    this.#around.onSpoolChange();
    this.sendBatches();
  }

  #resync(reason: string, controllerAt: Position | null): void {
    if (this.#around.wholeSets.pass()) this.#around.askResync(reason, controllerAt);
  }

  /** Sends what is spooled, as far as window and socket take it. */
  sendBatches(): void {
    const sender = this.#sender;
    if (sender === null || !this.isOpen) return;
    if (this.#around.spool.generation !== this.#generation) {
      this.#session.end('SPOOL_UNUSABLE', 'the spool was begun anew');
      return;
    }
    try {
      sender.fill(
        id => (this.isOpen && this.#session.mayQueue ? this.#around.spool.after(id) : null),
        ({epoch, from, to, payload, signature}) =>
          this.#session.send({
            t: 'batch',
            b: {epoch, from, to, payload: payload.toString('base64'), signature: signature.toString('base64')},
          }),
      );
    } catch (error) {
      this.#failed(error);
      return;
    }
    if (!sender.isWaiting) return;
    this.#cancelAck();
    this.#cancelAck = this.#around.clock.after(ackMs, () =>
      this.#session.end('SLOW', `the controller acknowledged nothing for ${ackMs} ms`),
    );
  }

  /** The agent said something new: documents that the controller does not know are named at once. */
  stateChanged(): void {
    if (this.isOpen && this.#sender !== null && this.#offer.name(this.#around.named())) this.#beat();
  }

  /** A document that was fetched; null when there is none (any more). */
  sendDocument(document: Document): void {
    if (!this.isOpen || !this.#offer.isAwaited(document.digest)) return;
    if (document.body.length <= limits.frame - 512 && this.#session.mayQueue)
      this.#session.send({t: 'document', b: document});
  }

  #beat(): void {
    if (!this.isOpen || !this.#session.mayQueue) return;
    const {at, digest, checkedAt} = this.#around.state();
    const {batches, bytes} = this.#around.spool.totals();
    this.#session.send({
      t: 'heartbeat',
      b: {
        at,
        digest,
        documents: this.#around.named(),
        checkedAt: sendable(checkedAt),
        spool: {batches, bytes},
        time: timeText(this.#around.clock.wall()),
      },
    });
  }

  /** `time` was said half a round trip ago. */
  #measureClock(time: string, roundTripMs: number): void {
    const theirs = Date.parse(time) + roundTripMs / 2;
    if (Number.isFinite(theirs)) this.#around.onSkew(Math.round(this.#around.clock.wall() - theirs));
  }
}

/** Whether the batch begins before the position and ends after it: its new steps are applied. */
const covers = (batch: {epoch: number; from: number; to: number}, at: Position | null): boolean =>
  at !== null && batch.epoch === at.epoch && batch.from <= at.n && batch.to > at.n;

const maxPacks = 64;
const timePattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/;

/** What the controller takes of it. */
const sendable = (checkedAt: {[pack: string]: string}): {[pack: string]: string} =>
  Object.fromEntries(
    Object.entries(checkedAt)
      .filter(([, time]) => timePattern.test(time))
      .slice(0, maxPacks),
  );
