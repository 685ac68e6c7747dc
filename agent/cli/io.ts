import type {Host} from '../host/host.ts';

/** What a subcommand may say, and to whom. Data goes to `out`; everything else to `err`. */
export type Io = {
  out: (text: string) => void;
  err: (text: string) => void;
  columns: number;
  colour: boolean;
  /** Shows a line that the next one replaces, on a terminal only; null clears it. */
  progress: (text: string | null) => void;
  /** Opens the machine, or the image at a directory. */
  openHost: (root: string) => Host;
  hostname: string;
  version: string;
  files: {
    exists: (path: string) => boolean;
    /** The text of a file, or of standard input for null; `REEVE_USAGE` when it cannot be read or is longer than 64 KiB. */
    read: (path: string | null) => Promise<string>;
  };
  /** Where `reeve up` keeps its state when nobody says where. */
  upState: string;
  /** The file of the token for a controller, from the environment. */
  tokenFile: string | null;
};

/** sysexits(3) for 69, 70 and 78; the others are documented in docs/cli.md. */
export const exitStatus = {ok: 0, fail: 1, usage: 2, unknown: 3, unavailable: 69, bug: 70, config: 78} as const;
export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus];
