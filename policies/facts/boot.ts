/** What the boot loader starts next, and with which kernel arguments. */
export type BootEntriesRequest = Record<never, never>;

export type BootEntry = {
  title: string;
  /** The kernel's arguments as words, variables filled in; without what follows `--`, which is for init. */
  arguments: string[];
  /** For rescue: single-user or recovery entries, which leave out the usual arguments. */
  recovery: boolean;
  /** `path:line` */
  where: string;
};

export type BootEntriesFact = {
  entries: Array<BootEntry | {where: string; unseen: string}>;
  /** Where arguments are changed so that the entries get them. */
  edit: BootEdit;
};

/**
 * `grub`: GRUB_CMDLINE_LINUX in `where`, then `apply`. `grubby`: grubby(8) alone. `kernel-install`: the words in
 * `where`, then `apply`. `unknown`: the entries themselves.
 */
export type BootEdit = {by: 'grub' | 'kernel-install'; where: string; apply: string} | {by: 'grubby' | 'unknown'};
