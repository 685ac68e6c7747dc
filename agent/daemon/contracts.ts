import type {SealedBatch} from '../../controller/protocol/codec.ts';
import type {Position} from '../../controller/protocol/messages.ts';
import type {Finding} from '../../policies/finding.ts';
import type {LoadedSite, RefusedSite} from '../checker/messages.ts';
import type {ControlRequest, LocalFinding} from '../ipc/control-messages.ts';

/** What one round of judging gave. `rules` are all that were judged: what they no longer find is gone. */
export type CheckRound = {
  /** Packs that were judged whole in this round. */
  packs: string[];
  rules: string[];
  findings: Finding[];
  /** Rules whose looking was ended because it took longer than its budget, or whose checker died, and why. */
  killed: Map<string, string>;
  observedAt: string;
  durationMs: number;
};

/** Decides when to judge, and does it. One round at a time. */
export type Checks = {
  /** Loads the site (or the last good bundle) and starts schedules and watches. Rejects when there is neither. */
  start(): Promise<void>;
  /** Judges these packs, or all, now; resolves after `onRound` was told of it. */
  checkNow(packs: string[] | null): Promise<void>;
  /** Loads the site again, as after a change of its files; resolves when what follows from it was judged. */
  reload(): Promise<void>;
  stop(): Promise<void>;
  status(): {
    running: string | null;
    packs: Array<{name: string; schedule: string; nextAt: string | null}>;
    watched: {paths: number; rules: number; problem: string | null};
  };
};

/** Whom the checks tell. */
export type ChecksListener = {
  onLoaded(site: LoadedSite): void;
  /** The files are wrong, so what was loaded before stays in force. Null: they are right again. */
  onRefused(refused: RefusedSite | null): void;
  onRound(round: CheckRound): void;
};

/**
 * What the host's findings are, durably: the set as it is, and the stream of steps that led to it and were not yet taken
 * by the link. One SQLite file, root's.
 */
export type FindingStore = {
  /** Puts a round in place of what its rules found before, in one transaction. Returns how many steps that made. */
  record(round: CheckRound): number;
  /** Puts the finding of a rule of reeve itself (pack `reeve`) in place, or removes it when null. */
  recordOwn(rule: string, finding: Finding | null): number;
  /** Rules that no pack has any more: their findings go. */
  forgetRulesBut(known: ReadonlySet<string>): number;
  /** Tries once more to write what could not be written. Returns how many steps that made. */
  retry(): number;
  /** Why the newest rounds are in memory alone, or null. They are written as soon as that is possible. */
  problem(): string | null;
  /** This host was given an id: what the stream said before is nothing to its controller. */
  enrolled(): void;
  /** The steps after a position as a signed batch, or null when there are none. */
  next(after: Position | null): SealedBatch | null;
  /** The link has stored all up to here; it is not kept any longer. */
  stored(position: Position): void;
  /**
   * Starts a whole set in the stream, unless one that the link has not taken yet is there. A `controllerAt` ahead of our
   * own stream (ours was lost, or restored from a copy) starts a stream with a higher epoch.
   */
  resync(reason: string, controllerAt: Position | null): void;
  at(): Position;
  digest(): string;
  waiting(): {items: number; bytes: number; stored: Position | null};
  findings(filter: Omit<Extract<ControlRequest, {verb: 'findings'}>, 'verb'>): LocalFinding[];
  counts(): {[verdict: string]: number};
  checkedAt(): {[pack: string]: {at: string; durationMs: number}};
  close(): void;
};
