import type {FileType} from '../../policies/facts/file.ts';
import type {Look} from './look.ts';
import type {WalkLimits, WalkVisitor} from './walk.ts';

export type HostStat = {
  type: FileType;
  /** 0 to 0o7777. */
  mode: number;
  uid: number;
  gid: number;
  links: number;
  size: number;
  device: number;
  inode: number;
  modifiedMs: number;
  changedMs: number;
};

export type HostFile = {bytes: Buffer; truncated: boolean; stat: HostStat};

export type ChunkOptions = {
  /** Default 256 KiB. */
  chunkBytes?: number;
  /** Default 256 MiB. A longer file is cut there, and `truncated` says so. */
  maxBytes?: number;
};

/**
 * All looking at files. Paths are absolute inside the judged root, links are resolved inside it and never lead out of
 * it, and names that are not UTF-8 stand as `names.ts` says. Nothing here writes, blocks on a FIFO or device, or
 * waits for a file system longer than a limit.
 */
export type HostFs = {
  /** The entry itself; links in the directories that lead to it are followed. */
  lstat(path: string): Promise<Look<HostStat>>;
  stat(path: string): Promise<Look<HostStat>>;
  readLink(path: string): Promise<Look<string>>;
  /** Where a path leads when every link is followed. */
  realPath(path: string): Promise<Look<string>>;
  /**
   * A regular file's first `maxBytes` (default 1 MiB). A link in the last place is followed unless `follow` is false.
   * A file that changes while it is read fails as `changed`; anything but a regular file as `wrong-type`.
   */
  readFile(path: string, options?: {maxBytes?: number; follow?: boolean}): Promise<Look<HostFile>>;
  /**
   * The last `maxBytes` of a regular file, for logs: one that only grows meanwhile is read up to where it ended before.
   * `truncated` when it begins earlier.
   */
  readTail(path: string, options: {maxBytes: number}): Promise<Look<HostFile>>;
  /**
   * Hands a regular file over piece by piece, for files too large to hold. A chunk is valid until `use` has returned or
   * its promise is settled; what `use` throws is a failed look. A file that changes meanwhile fails as `changed`, so
   * what was made of its chunks must then be thrown away.
   */
  readChunks(
    path: string,
    use: (chunk: Buffer) => void | Promise<void>,
    options?: ChunkOptions,
  ): Promise<Look<{size: number; truncated: boolean; stat: HostStat}>>;
  /** A directory's entries, unsorted, without `.` and `..`; at most `max` (default 100,000). */
  list(path: string, options?: {max?: number}): Promise<Look<{names: string[]; truncated: boolean}>>;
  /** An extended attribute of the entry itself, or null when it has none of that name. */
  readXattr(path: string, name: string): Promise<Look<Buffer | null>>;
  /**
   * Shows a visitor everything below a directory, links not followed, in bounded memory. Mounts of local file systems
   * are entered, those of the kernel are not, and those that may never answer are not even touched. Gives how many
   * entries were shown, so that several walks can share a limit.
   */
  walk<C>(path: string, visitor: WalkVisitor<C>, limits?: WalkLimits): Promise<{entries: number}>;
};

/** What a host command gave. Success and failure share their fields; it never throws. */
export type CommandResult = {
  argv: string[];
  failed: boolean;
  /** Null when it was killed or never started. */
  exitCode: number | null;
  signal: string | null;
  timedOut: boolean;
  truncated: boolean;
  stdout: string;
  stderr: string;
  durationMs: number;
  /** Why it failed, fit for a finding; empty on success. */
  reason: string;
};

export type CommandOptions = {
  /** Default 10,000. */
  timeoutMs?: number;
  /** Of standard output and of standard error, each. Default 1 MiB. */
  maxBytes?: number;
  /** Given on standard input; without it there is none. */
  input?: string;
  /**
   * Whom it runs as, with no other groups, no capabilities and no way to gain any (setpriv(1)). Never uid 0. Without
   * root only the own ids are possible.
   */
  as?: {uid: number; gid: number};
};

/** The one value through which the agent looks at a machine. A fixture tree or an image can stand in for a machine. */
export type Host = {
  fs: HostFs;
  /** False for an image: nothing that only a running kernel knows can be asked. */
  live: boolean;
  /** `/` or the directory that stands for it; for messages. */
  root: string;
  /** The effective uid of whoever looks. */
  uid: number;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Milliseconds, monotonic, for costs. */
  clock: () => number;
  uname: {release: string; machine: string; bootedMs: number | null} | null;
  /**
   * Runs an absolute, fixed argv without a shell, with an empty environment but for LC_ALL=C and PATH, standard input
   * closed. Only on a live host; otherwise, and when the program is not there, the result says so in `reason`.
   */
  run: (argv: readonly [string, ...string[]], options?: CommandOptions) => Promise<CommandResult>;
};
