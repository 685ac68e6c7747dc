export type UnitsRequest = Record<never, never>;

/**
 * What `systemctl is-enabled` would say, presets not applied. Beside its words: `bad`, a link or name that systemd
 * refuses to load; `unseen`, a file that had to be read and could not.
 */
export type UnitState =
  | 'enabled'
  | 'enabled-runtime'
  | 'linked'
  | 'linked-runtime'
  | 'alias'
  | 'masked'
  | 'masked-runtime'
  | 'static'
  | 'indirect'
  | 'disabled'
  | 'generated'
  | 'transient'
  | 'bad'
  | 'unseen';

export type UnitFact = {
  name: string;
  state: UnitState;
  /** Why a unit is `bad` or `unseen`; else empty. */
  reason: string;
  /** The unit that an alias stands for. */
  aliasOf: string | null;
  /** The unit file, or the init script that stands for one. */
  path: string;
  /** Links that start it: in `*.wants`, `*.requires` and `*.upholds`, the vendor's too, or in /etc/rc?.d. */
  links: string[];
  /** Whether the unit is an init script of System V, systemd-sysv-generator(8). */
  sysv: boolean;
};

/** One unit that the service manager has in memory. A unit that it has not is not active. */
export type LiveUnit = {
  /** All its names. */
  names: string[];
  load: string;
  active: string;
  sub: string;
  mainPid: number | null;
};

export type UnitsFact = {
  units: UnitFact[];
  /** `notApplicable`: nothing runs units here. */
  live: {units: LiveUnit[]} | {unseen: string} | {notApplicable: string};
};
