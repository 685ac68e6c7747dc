import type {Static, TObject, TSchema} from 'typebox';
import * as Type from 'typebox';
import {limits} from '../../controller/protocol/limits.ts';
import {position, sha256, uuid} from '../../controller/protocol/messages.ts';

/**
 * What agent and link say to each other on `link.sock` (ipc/frames.ts): `{t: <name>, ...body}`. The link may be taken
 * over by whoever it talks to on the network. So all that it can make the agent do is: give the next batch or a
 * document, start a whole set, prove its host key for a hello, and finish an enrolment that root began. Unknown or
 * misshapen messages end the connection.
 */
const base64 = (maxBytes: number) =>
  Type.String({pattern: '^[A-Za-z0-9+/]*={0,2}$', maxLength: Math.ceil(maxBytes / 3) * 4});
const bytes32 = Type.String({pattern: '^[A-Za-z0-9+/]{43}=$'});
const signature = Type.String({pattern: '^[A-Za-z0-9+/]{86}==$'});
const count = Type.Integer({minimum: 0, maximum: Number.MAX_SAFE_INTEGER});
const time = Type.String({maxLength: 30});
const stored = Type.Union([position, Type.Null()]);

/** Where the controller is, and who it is. */
export const controllerPlace = Type.Object({
  url: Type.String({maxLength: 320}),
  pins: Type.Array(sha256, {minItems: 1, maxItems: 8}),
  fleet: uuid,
  /** `http://host:port` of a proxy to go through with CONNECT, from agent.yaml. */
  proxy: Type.Union([Type.String({maxLength: 320}), Type.Null()]),
  /** A proxy ends TLS, from agent.yaml: hellos cannot be bound to the connection. */
  tlsEndsAtProxy: Type.Boolean(),
});
export type ControllerPlace = Static<typeof controllerPlace>;

export const fromAgent = {
  /** First, and again whenever it changes. `enrol` is there while an enrolment that root began is open. */
  setup: Type.Object({
    reeve: Type.String({maxLength: 40}),
    hostname: Type.String({maxLength: 253}),
    publicKey: bytes32,
    enrolment: Type.Union([Type.Object({place: controllerPlace, agent: uuid}), Type.Null()]),
    enrol: Type.Union([Type.Object({place: controllerPlace, token: Type.String({maxLength: 200})}), Type.Null()]),
  }),
  /** After `setup` and after every change: what heartbeats say. */
  state: Type.Object({
    /** The last number of the stream, and the digest of the set after it. */
    at: position,
    digest: sha256,
    /** The digest of the rules document, null before packs were loaded once. */
    rules: Type.Union([sha256, Type.Null()]),
    checkedAt: Type.Record(Type.String({maxLength: 60}), time),
  }),
  batch: Type.Object({
    epoch: count,
    from: count,
    to: count,
    payload: base64(limits.frame),
    signature,
  }),
  /** The rules document as a zstd frame; `bytes` is its size before compression. */
  document: Type.Object({digest: sha256, bytes: count, body: base64(limits.frame)}),
  /** The answer to `sign`; null when the agent refuses, and why. */
  signed: Type.Object({
    id: count,
    signature: Type.Union([signature, Type.Null()]),
    reason: Type.Optional(Type.String({maxLength: 200})),
  }),
} as const satisfies {[name: string]: TObject};

export const fromLink = {
  /** First. `stored` is what the link's spool holds durably, or was acknowledged. */
  ready: Type.Object({pid: count}),
  /** Give the batch after this position, as soon as there is one. Says at once that all up to it is stored durably. */
  next: Type.Object({after: stored}),
  sign: Type.Union([
    Type.Object({
      id: count,
      purpose: Type.Literal('hello'),
      nonce: bytes32,
      binding: bytes32,
      join: Type.String({maxLength: 64}),
    }),
    Type.Object({id: count, purpose: Type.Literal('enrol'), nonce: bytes32, binding: bytes32}),
  ]),
  /** The controller took the token; `agent` is the id that it gave. Only while `enrol` is open. */
  enrolled: Type.Object({agent: uuid}),
  enrolFailed: Type.Object({code: Type.String({maxLength: 40}), message: Type.String({maxLength: 400})}),
  /**
   * The controller lacks something: start a whole set. `controllerAt` is what it has; when that is ahead of the agent's
   * own stream, the agent starts a stream with a higher epoch.
   */
  resync: Type.Object({reason: Type.String({maxLength: 200}), controllerAt: stored}),
  wantDocument: Type.Object({digest: sha256}),
  /** For `reeve status`: how it goes. After every change, at most once a second. */
  status: Type.Object({
    connected: Type.Boolean(),
    since: time,
    /** Why it is not connected, or what the controller last refused. */
    problem: Type.Union([
      Type.Object({code: Type.String({maxLength: 60}), message: Type.String({maxLength: 400}), at: time}),
      Type.Null(),
    ]),
    nextTryAt: Type.Union([time, Type.Null()]),
    acknowledged: stored,
    spool: Type.Object({batches: count, bytes: count, oldestAt: Type.Union([time, Type.Null()])}),
    clockSkewMs: Type.Union([Type.Integer(), Type.Null()]),
    degraded: Type.Boolean(),
  }),
} as const satisfies {[name: string]: TSchema};

type Message<T extends {[name: string]: TSchema}> = {[N in keyof T & string]: {t: N} & Static<T[N]>}[keyof T & string];
export type FromAgent = Message<typeof fromAgent>;
export type FromLink = Message<typeof fromLink>;
export type LinkStatus = Static<typeof fromLink.status>;
