export type MountsRequest = Record<never, never>;
/** /proc/self/mountinfo, proc_pid_mountinfo(5), in the order of the kernel: a later mount covers an earlier one. */
export type MountFact = {
  id: number;
  parent: number;
  device: string;
  /** The directory of the file system that is mounted here: not `/` for bind mounts. */
  root: string;
  point: string;
  options: string[];
  fstype: string;
  source: string;
  superOptions: string[];
};

/** fstab(5) and systemd mount units: what the next boot mounts. Swap, and what a mask keeps away, are left out. */
export type FstabRequest = Record<never, never>;
export type FstabFact = {
  point: string;
  source: string;
  fstype: string;
  options: string[];
  /** `path:line` of the line, or of what sets the options of a mount unit. */
  where: string;
  /** The mount unit that says so, in place of fstab(5); null for a line of fstab(5). */
  unit: string | null;
};
