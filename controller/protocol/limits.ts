/**
 * Every bound of `reeve.v1`. Both sides hold their peer to them; a message beyond one ends the connection with a code
 * (close-codes.ts). Sizes are bytes, times milliseconds.
 */
export const limits = {
  /** One WebSocket message, as `maxPayload`; the default of ws is 100 MiB. */
  frame: 256 * 1024,
  /** Objects and lists inside each other, in any JSON of a peer. */
  depth: 12,
  /** A batch before compression. */
  batch: 1024 * 1024,
  batchItems: 1000,
  /** One finding as JSON. The agent shortens what is longer and says so in it. */
  finding: 8 * 1024,
  /** A document (rules, inventory) before compression. */
  document: 4 * 1024 * 1024,
  /** Batches that may be under way without an acknowledgement, and their bytes. */
  windowBatches: 8,
  windowBytes: 1024 * 1024,
  /** Of ws: fragments of one message, and chunks kept before one is whole. */
  fragments: 16,
  bufferedChunks: 256,
  /** What may wait to be sent to one peer: above `sendSoft` nothing more is put there, above `sendHard` the connection ends. */
  sendSoft: 1024 * 1024,
  sendHard: 4 * 1024 * 1024,
  /** From the TCP connection to the upgrade, and from there to a right hello. */
  handshakeMs: 5_000,
  helloMs: 5_000,
  closeMs: 5_000,
  heartbeatMs: 30_000,
  /** The controller pings after this much silence, and both sides give a connection up after `deadMs`. */
  pingAfterMs: 45_000,
  deadMs: 90_000,
  /** An enrolment token lives at most this long. */
  enrolTokenMs: 60 * 60 * 1000,
} as const;
