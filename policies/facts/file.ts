export const fileTypes = ['file', 'directory', 'link', 'fifo', 'socket', 'character-device', 'block-device'] as const;
export type FileType = (typeof fileTypes)[number];

/**
 * `path` may hold `*` and `?` in any component after the first; it then stands for what matches, sorted. With
 * `follow`, a link in the last place is followed (inside the root prefix); without it the link itself is the fact.
 */
export type FileRequest = {
  path: string;
  follow: boolean;
  /** Asks for the first `maxBytes` of a regular file's content. */
  contentMaxBytes?: number;
  /** Asks for the directories that lead to the file. */
  parents?: boolean;
  /** Asks for the names of a directory's entries, at most so many. */
  entriesMax?: number;
};

export type FileStat = {
  path: string;
  type: FileType;
  /** Permission bits, set-id and sticky bits included: 0 to 0o7777. */
  mode: number;
  uid: number;
  gid: number;
  /** The owner's name in the judged root's passwd(5), or null when nobody has that uid there. */
  owner: string | null;
  group: string | null;
  links: number;
  size: number;
  modifiedAt: string;
};

export type FileFact = FileStat & {
  /** Where a link points, as written. */
  target: string | null;
  content: {state: 'seen'; bytes: Uint8Array; truncated: boolean} | {state: 'unseen'; reason: string} | null;
  parents: FileStat[] | null;
  entries: {names: string[]; truncated: boolean} | {unseen: string} | null;
};

/** One element per path that matched; an unreadable one keeps its reason. Empty when nothing matched. */
export type FileFacts = Array<FileFact | {path: string; unseen: string}>;
