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

/** fstab(5) and systemd mount units: what the next boot mounts. */
export type FstabRequest = Record<never, never>;
export type FstabFact = {
  point: string;
  source: string;
  fstype: string;
  options: string[];
  /** `path:line` */
  where: string;
};
