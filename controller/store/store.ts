import type {
  ChangePage,
  ChangeQuery,
  FindingPage,
  FindingQuery,
  HostDetail,
  HostPage,
  HostQuery,
  TokenInfo,
} from '../protocol/api.ts';
import type {Batch} from '../protocol/batch.ts';
import type {DocumentKind, Position} from '../protocol/messages.ts';

/** What a connection needs to know of its host; read once at hello. */
export type KnownHost = {
  id: string;
  name: string;
  publicKey: Buffer;
  state: 'active' | 'frozen' | 'removed';
  stateReason: string | null;
  joinNow: string;
  joinBefore: string;
  position: Position | null;
  digest: string;
};

export type Stored =
  /** Committed, or was before: everything up to `at` is. `digest` is that of the set after it. */
  | {state: 'stored'; at: Position; digest: string}
  /** It does not follow on what is stored, which is `at`. */
  | {state: 'hole'; at: Position | null}
  /** Another stream under the same epoch, or an epoch that is over. */
  | {state: 'replayed'; at: Position};

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
  /** Takes one use off the token and makes the host, in one transaction; null when the token is not good (any more). */
  enrol(request: {token: string; publicKey: Buffer; name: string; now: number}): Promise<{id: string} | null>;
  setJoin(host: string, join: {now: string; before: string}): Promise<void>;
  freeze(host: string, reason: string): Promise<void>;
  rotateKey(host: string, publicKey: Buffer): Promise<void>;
  /** Applies the steps and moves the stream's position, in one transaction: all or nothing, and each step once. */
  storeBatch(host: string, batch: Batch, receivedAt: number): Promise<Stored>;
  /** The digests among these that are not kept. */
  missingDocuments(digests: string[]): Promise<string[]>;
  keepDocument(document: {
    kind: DocumentKind;
    digest: string;
    bytes: number;
    body: Buffer;
    host: string;
  }): Promise<void>;
  /** The host has this document (that is kept already). */
  linkDocument(host: string, kind: DocumentKind, digest: string): Promise<void>;
  notePresence(presence: Presence[]): Promise<void>;

  // Asked by the API.
  hosts(query: HostQuery, now: number): Promise<HostPage>;
  hostDetail(id: string, now: number): Promise<HostDetail | null>;
  findings(query: FindingQuery): Promise<FindingPage>;
  changes(query: ChangeQuery): Promise<ChangePage>;
  /** Sums for /metrics. */
  totals(): Promise<{
    hosts: {[state: string]: number};
    findings: Array<{verdict: string; severity: string; count: number}>;
    changes: number;
    gaps: number;
    databaseBytes: number;
  }>;
  setHostState(id: string, state: 'active' | 'removed', by: string): Promise<boolean>;

  // Tokens.
  createToken(token: NewToken, now: number): Promise<{id: string; token: string}>;
  listTokens(): Promise<TokenInfo[]>;
  /** False when there is no such token, or it was revoked before. */
  revokeToken(id: string, now: number): Promise<boolean>;
  /** Who shows this token, or null when it is not good (any more). */
  apiToken(token: string, now: number): Promise<{id: string; name: string; scope: 'read' | 'admin'} | null>;

  /** This installation's id, made once. */
  fleet(): Promise<string>;
  /** Removes changes, gaps and documents that are older than the retention, or that no host has any more. */
  prune(before: number): Promise<void>;
  close(): Promise<void>;
};
