export type ProcessesRequest = Record<never, never>;

/** One row of /proc, see proc(5). A field that could not be read is null and named in `unseen`. */
export type ProcessFact = {
  pid: number;
  parent: number;
  /** The thread name, at most 15 bytes: chosen by the process, never proof of anything. */
  name: string;
  kernelThread: boolean;
  /** The executable's path as the kernel gives it, without ` (deleted)`. */
  exe: string | null;
  exeDeleted: boolean;
  arguments: string[] | null;
  uids: {real: number; effective: number; saved: number; filesystem: number};
  gids: {real: number; effective: number; saved: number; filesystem: number};
  groups: number[];
  /** Capability sets as hexadecimal masks, capabilities(7). */
  capabilities: {effective: string; permitted: string; bounding: string; ambient: string; inheritable: string};
  noNewPrivileges: boolean | null;
  /** 0 off, 1 strict, 2 filter. */
  seccomp: number | null;
  /** The cgroup v2 path, or the `name=systemd` path of v1. */
  cgroup: string | null;
  /** The systemd unit that the cgroup belongs to. */
  unit: string | null;
  startedAt: string | null;
  /** The LSM label of /proc/PID/attr/current as written, without the trailing NUL. */
  label: string | null;
  /** Field name → why it could not be read. */
  unseen: {[field: string]: string};
};

/** The values that named variables had when each process was started, proc_pid_environ(5). */
export type ProcessEnvironmentRequest = {/** Sorted, without doubles. */ names: string[]};
/** A process that has ended, and kernel threads, are left out. */
export type ProcessEnvironmentFact = Array<
  {pid: number; values: ReadonlyMap<string, string>} | {pid: number; unseen: string}
>;
