import type {HostStat} from './host.ts';
import type {Look} from './look.ts';

/** One entry that a walk passes. Its fields speak of the next entry as soon as the visit is over. */
export type WalkEntry = Readonly<HostStat> & {
  readonly name: string;
  path(): string;
  /** The first bytes of a regular file, until the next time that something is read. */
  readStart(maxBytes: number): Look<Buffer>;
  /** As {@link HostFs.readXattr}. */
  readXattr(name: string): Look<Buffer | null>;
};

/** Whoever has a tree walked. `C` is what the visitor wants to know of a directory when it is shown its entries. */
export type WalkVisitor<C> = {
  /**
   * Asked before a directory is entered; null leaves it out with all below. `above` is null for the first directory.
   * `alsoAt`: where the same tree is mounted too, so that it need not be walked twice.
   */
  enter(path: string, above: C | null, alsoAt: string[]): C | null;
  visit(entry: WalkEntry, directory: C): void;
  /** Something that is there, or below there, could not be looked at. `directory` is null for the first directory. */
  notSeen(path: string, reason: string, directory: C | null): void;
  /** A mount that no walk touches, because who serves it may never answer. */
  leftOut(path: string, fstype: string, directory: C): void;
};

export type WalkLimits = {
  /** Default 5,000,000. */
  maxEntries?: number;
  /** Default 300,000. */
  maxMs?: number;
  /** Told now and then how many entries were passed, and where. */
  progress?: (entries: number, path: string) => void;
};

/** Paths longer than this are not entered: a hostile tree could make them grow without end. */
export const maxWalkPath = 64 * 1024;

export const defaultWalkLimits = {maxEntries: 5_000_000, maxMs: 300_000};
