import type {Static, TObject, TSchema} from 'typebox';
import * as Type from 'typebox';
import {limits} from './limits.ts';

/**
 * The messages of `reeve.v1`, one JSON text frame each: `{v: 1, t: <name>, b: <body>}`. Unknown fields of the envelope
 * and of bodies are ignored, so that a newer peer may say more; fields that are known have exactly these shapes.
 * PROTOCOL.md says when each may come.
 */
export const subprotocol = 'reeve.v1';

const base64 = (maxBytes: number) =>
  Type.String({pattern: '^[A-Za-z0-9+/]*={0,2}$', maxLength: Math.ceil(maxBytes / 3) * 4});
const bytes32 = Type.String({pattern: '^[A-Za-z0-9+/]{43}=$'});
const signature = Type.String({pattern: '^[A-Za-z0-9+/]{86}==$'});
export const uuid = Type.String({pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'});
export const sha256 = Type.String({pattern: '^[0-9a-f]{64}$'});
const time = Type.String({pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,3})?Z$', maxLength: 24});
const count = Type.Integer({minimum: 0, maximum: Number.MAX_SAFE_INTEGER});
/** Where a stream stands: which stream, and its last number. `n` 0 stands before the first. */
export const position = Type.Object({epoch: count, n: count});
export type Position = Static<typeof position>;
const name = (maxLength: number) => Type.String({minLength: 1, maxLength});

const binding = Type.Union([Type.Literal('exporter'), Type.Literal('proxy')]);
const documentKind = Type.Union([Type.Literal('rules'), Type.Literal('inventory')]);
export type DocumentKind = Static<typeof documentKind>;
const documents = Type.Object({rules: Type.Optional(sha256), inventory: Type.Optional(sha256)});

/** What the controller says. */
export const fromController = {
  /** First of all, at once after the upgrade. */
  challenge: Type.Object({nonce: bytes32, fleet: uuid, time}),
  /** The token was right: the host is known under this id from now on. The connection goes on with `hello`. */
  enrolled: Type.Object({agent: uuid}),
  /** The hello was right. `ack` is what is stored of the host's stream, null when nothing is. */
  welcome: Type.Object({
    ack: Type.Union([position, Type.Null()]),
    /** Documents, by digest, that the controller lacks. */
    want: Type.Array(sha256, {maxItems: 8}),
    /** Comes back in the next hello: two machines with one key are told apart by it. */
    join: name(64),
    heartbeatMs: Type.Integer({minimum: 1000, maximum: 3_600_000}),
    /** After a lost connection the first try waits a random part of this. */
    spreadMs: Type.Integer({minimum: 0, maximum: 3_600_000}),
    windowBatches: Type.Integer({minimum: 1, maximum: 64}),
    time,
  }),
  /** Everything up to here is committed. */
  ack: position,
  /** The documents with these digests are committed. */
  kept: Type.Object({documents: Type.Array(sha256, {maxItems: 8})}),
  heartbeat: Type.Object({time}),
  /** What is stored differs from what the host has: send the whole set once more. */
  resync: Type.Object({reason: name(200)}),
  /** A planned restart: the connection will be closed; come back after this long. */
  drain: Type.Object({afterMs: Type.Integer({minimum: 0, maximum: 3_600_000})}),
  rotated: Type.Object({publicKey: bytes32}),
  error: Type.Object({
    code: name(40),
    message: name(400),
    retryAfterMs: Type.Optional(Type.Integer({minimum: 0, maximum: 3_600_000})),
  }),
} as const satisfies {[name: string]: TObject};

/** What a host says, through its link. */
export const fromHost = {
  /** Instead of hello, once: the token, and the key that the host will be known by. */
  enrol: Type.Object({token: name(200), publicKey: bytes32, name: name(253), binding, signature}),
  hello: Type.Object({
    agent: uuid,
    binding,
    signature,
    /** What the last welcome gave; empty before the first. */
    join: Type.String({maxLength: 64}),
    reeve: name(40),
    /** What the host has spooled; null when it has nothing. */
    stream: Type.Union([position, Type.Null()]),
    documents,
  }),
  /** Numbers `from` to `to` of the stream: a DSSE envelope whose payload is a zstd frame of a `Batch` (batch.ts). */
  batch: Type.Object({epoch: count, from: count, to: count, payload: base64(limits.frame), signature}),
  /** A document that the controller wanted, as a zstd frame; its digest is over the plain bytes. */
  document: Type.Object({kind: documentKind, digest: sha256, bytes: count, body: base64(limits.frame)}),
  heartbeat: Type.Object({
    /** What `digest` speaks of: the set after this number. */
    at: position,
    digest: sha256,
    documents,
    /** When each pack was last judged in full. */
    checkedAt: Type.Record(Type.String({maxLength: 60}), time, {maxProperties: 64}),
    spool: Type.Object({batches: count, bytes: count}),
    time,
  }),
  /** A new host key. `signature` is by the old key, `newSignature` by the new one. */
  rotate: Type.Object({publicKey: bytes32, signature, newSignature: signature}),
} as const satisfies {[name: string]: TObject};

type Message<T extends {[name: string]: TSchema}> = {[N in keyof T & string]: {t: N; b: Static<T[N]>}}[keyof T &
  string];
export type FromController = Message<typeof fromController>;
export type FromHost = Message<typeof fromHost>;
