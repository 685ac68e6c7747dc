/** One kernel parameter, e.g. `net.ipv4.ip_forward`; `*` in a component stands for each that the kernel has. */
export type SysctlRequest = {key: string};
export type SysctlFact = {
  /** /proc/sys, white space folded to single spaces. */
  runtime: Array<{key: string; value: string} | {key: string; unseen: string}> | {liveOnly: string};
  /** The winning assignment of sysctl.d(5) for each key, in the order in which systemd-sysctl(8) reads. */
  persistent: Array<{key: string; value: string; where: string; overridden: string[]}>;
  /** Configuration files that could not be read: the persistent value is then not known. */
  unreadable: string[];
};
