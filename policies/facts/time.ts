export type TimeRequest = Record<never, never>;

export const timeServices = ['chrony', 'ntpsec', 'ntp', 'systemd-timesyncd', 'openntpd'] as const;
export type TimeService = (typeof timeServices)[number];

/** A server, pool, peer or reference clock that a service's configuration names. `where` is `path:line`. */
export type TimeSource = {service: TimeService; kind: string; address: string; where: string};

export type TimeFact = {
  /** What a time service, or the kernel, says of the clock now. `offsetMs` is the service's own estimate, unsigned. */
  clock:
    | {synchronised: boolean; offsetMs: number | null; by: string; detail: string}
    | {unseen: string}
    | {notApplicable: string};
  sources: TimeSource[];
  /** Configuration that could not be read: `sources` may lack entries of that service. */
  unreadable: Array<{service: TimeService; reason: string}>;
  /** The name of /etc/localtime's zone. */
  zone: {name: string; where: string} | {unseen: string};
};
