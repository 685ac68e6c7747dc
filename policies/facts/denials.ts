/** Denials of the last `hours`, from the host's logs. */
export type DenialsRequest = {hours: number};

/** Denials that differ only in time and process. */
export type DenialGroup = {
  lsm: 'selinux' | 'apparmor';
  /** The SELinux source context's type, or the AppArmor profile. */
  subject: string;
  /** SELinux permissions, sorted and joined by spaces; AppArmor's operation. */
  operation: string;
  /** SELinux object class, AppArmor `class=` or the mask that was refused; empty when the record has none. */
  class: string;
  /** SELinux target type, or what AppArmor refused: a path, a capability, a peer. */
  target: string;
  /** `permissive`: logged only, because the domain, the profile (complain) or the system does not enforce. */
  mode: 'enforced' | 'permissive';
  count: number;
  /** ISO times, UTC. */
  first: string;
  last: string;
  /** One of the records, as the log has it, at most 500 characters. */
  example: string;
  /** Processes that were refused, at most 50. */
  pids: number[];
};

export type DenialsFact = {
  /** What was read: `/var/log/audit/audit.log`, `journal`, … */
  sources: string[];
  /** The first moment asked for, ISO, UTC. */
  since: string;
  /** Why there may have been more than was counted: lost records, a log that begins later. Empty when counts are exact. */
  lowerBound: string[];
  groups: DenialGroup[];
  /** Records in the groups. */
  total: number;
};
