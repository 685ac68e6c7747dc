import type {
  ChangePage,
  ChangeQuery,
  FindingPage,
  FindingQuery,
  HostDetail,
  HostPage,
  HostQuery,
  RulePage,
  RuleQuery,
  TokenInfo,
  Totals,
} from '../protocol/api.ts';
import type {Batch} from '../protocol/batch.ts';
import type {DocumentKind, Position} from '../protocol/messages.ts';

/** What a connection needs to know of its host; read once at hello. */
export type KnownHost = {
  id: string;
  name: string;
  publicKey: Uint8Array;
  state: 'active' | 'frozen' | 'removed';
  stateReason: string | null;
  /** The key before the last rotation: batches that were sealed with it may still be under way. */
  previousKey: Uint8Array | null;
  position: Position | null;
  digest: string;
  documents: {rules: string | null; inventory: string | null};
};

/** What became of the join value that a hello showed. */
export type Joined =
  /** It is the newest or the one before; the next one is kept. */
  | {state: 'joined'; position: Position | null; digest: string}
  /** It is another: two machines use this key, and the host is frozen now. */
  | {state: 'cloned'}
  | {state: 'frozen' | 'removed' | 'unknown'};

export type Stored =
  /**
   * Committed, or was before: everything up to `at` is. `digest` is that of the set after it; `settledOtherwise` when a
   * whole set came to another digest than the host said.
   */
  | {state: 'stored'; at: Position; digest: string; settledOtherwise: boolean}
  /** It does not follow on what is stored, which is `at`. */
  | {state: 'hole'; at: Position | null}
  /** Of an epoch that is over. */
  | {state: 'replayed'; at: Position}
  /** A stream that does not begin with `reset`, or a host that was frozen or removed meanwhile. */
  | {state: 'refused'; reason: string};

/** What heartbeats and connects told, written a host at most once a minute. */
export type Presence = {
  host: string;
  seenAt: number;
  connectedAt?: number;
  disconnectedAt?: number;
  checkedAt?: {[pack: string]: string};
  clockSkewMs?: number;
  degraded?: boolean;
  reeve?: string;
};

export type NewToken = {
  kind: 'enrol' | 'api';
  name: string;
  scope: 'read' | 'admin' | 'enrol';
  expiresAt: number;
  uses: number | null;
  createdBy: string;
};

/**
 * Everything that is kept, behind one value: today SQLite in two worker threads, one that writes (several requests a
 * commit) and one that reads. A promise of a writing method resolves after its commit. All reject with a `StoreError`
 * when nothing can be written (disk full, file damaged), and nothing of the request is kept then.
 */
export type Store = {
  // Written by connections.
  host(id: string): Promise<KnownHost | null>;
  /**
   * Takes one use off the token and makes the host, in one transaction. A key that is enrolled already keeps its id, and
   * takes no use. Refused: the token is not good (any more), or the host of this key is frozen or removed.
   */
  enrol(request: {
    token: string;
    publicKey: Uint8Array;
    name: string;
    now: number;
  }): Promise<{id: string} | {refused: 'token' | 'frozen' | 'removed'}>;
  /** Holds the value that a hello showed against the newest and the one before, and keeps `next`, in one transaction. */
  join(host: string, request: {shown: string; next: string}): Promise<Joined>;
  freeze(host: string, reason: string): Promise<void>;
  /** False when another host has this key. */
  rotateKey(host: string, publicKey: Uint8Array): Promise<boolean>;
  /**
   * Applies the steps and moves the stream's position, in one transaction: all or nothing, and each step once. Rejects
   * with `STORE_REFUSED` when a finding is too long, or the host would have more than are kept of one.
   */
  storeBatch(host: string, batch: Batch, receivedAt: number): Promise<Stored>;
  /** The digests among these that are not kept. */
  missingDocuments(digests: string[]): Promise<string[]>;
  keepDocument(document: {
    kind: DocumentKind;
    digest: string;
    bytes: number;
    body: Uint8Array;
    host: string;
    now: number;
  }): Promise<void>;
  /** The host has this document (that is kept already). */
  linkDocument(host: string, kind: DocumentKind, digest: string): Promise<void>;
  notePresence(presence: Presence[]): Promise<void>;

  // Asked by the API.
  hosts(query: HostQuery, now: number): Promise<HostPage>;
  hostDetail(id: string, now: number): Promise<HostDetail | null>;
  findings(query: FindingQuery): Promise<FindingPage>;
  changes(query: ChangeQuery): Promise<ChangePage>;
  /** The rules that the hosts have, each once. */
  rules(query: RuleQuery): Promise<RulePage>;
  totals(now: number): Promise<Totals>;
  /** False when there is no such host. A host that is active again may show any join value once. */
  setHostState(id: string, state: 'active' | 'removed', by: string): Promise<boolean>;

  // Tokens.
  createToken(token: NewToken, now: number): Promise<{id: string; token: string}>;
  listTokens(): Promise<TokenInfo[]>;
  /** False when there is no such token, or it was revoked before. */
  revokeToken(id: string, now: number): Promise<boolean>;
  /** Who shows this token, or null when it is not good (any more). */
  apiToken(token: string, now: number): Promise<{id: string; name: string; scope: 'read' | 'admin'} | null>;
  noteTokenUse(id: string, now: number): Promise<void>;

  /** This installation's id, made once. */
  fleet(): Promise<string>;
  /** Removes changes, gaps and documents that are older than the retention, or that no host has any more. */
  prune(before: number): Promise<void>;
  /** Requests that wait for the writer, and their batches' steps. */
  queue(): {requests: number; items: number};
  close(): Promise<void>;
};
