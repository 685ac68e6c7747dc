import type {FileStat, FileType} from './file.ts';

/** What an entry must be like to be found: every property given must hold. */
export type TreeFind = {
  types?: FileType[];
  modeAny?: number;
  modeAll?: number;
  modeNone?: number;
  /** Names, or ids as text. */
  owners?: string[];
  ownersNot?: string[];
  ownerUnknown?: boolean;
  groups?: string[];
  groupsNot?: string[];
  groupUnknown?: boolean;
  /** Carries file capabilities, capabilities(7). */
  capability?: boolean;
  /** `*` and `?` as in wildcard.ts. */
  names?: string[];
  /** The first 64 KiB of the file hold a secret of a shape that is well known. */
  secretShapes?: boolean;
};

/** Below `under`, without what `except` matches. All requests are served by one walk of the local file systems. */
export type TreeRequest = {
  under: string[];
  except: string[];
  find: TreeFind;
  /** Paths or patterns of found entries that are not to be reported. */
  allow: string[];
  /** Leaves out found entries that a package brought as they are. */
  allowPackaged: boolean;
};

export type TreeEntry = FileStat & {
  /** Capability names and flags as getcap(8) writes them; null where they were not asked for. */
  capabilities: string | null;
  /** Never the secret itself. */
  secrets: Array<{shape: string; line: number}>;
  /** Why a packaged entry is reported all the same, or null. */
  packageNote: string | null;
};

export type TreeFact = {
  /** At most 1,000, sorted by path. */
  found: TreeEntry[];
  /** How many more there are. */
  more: number;
  /** How many entries were looked at. */
  seen: number;
  /** How many were found and left out, by `allow` or as packaged. */
  allowed: number;
  /** The first 20 of what could not be looked at. */
  notSeen: Array<{path: string; reason: string}>;
  notSeenMore: number;
  /** Mounts that no walk touches, as `path (type)`. */
  leftOut: string[];
};
