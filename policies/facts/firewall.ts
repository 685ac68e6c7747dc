export type FirewallRequest = Record<never, never>;

/** One condition of a rule, as far as a new connection from another machine is concerned. */
export type FirewallMatch =
  | {on: 'family' | 'protocol' | 'interface' | 'state'; values: string[]; negated: boolean}
  /** Destination ports, ranges inclusive. */
  | {on: 'port'; ranges: Array<[from: number, to: number]>; negated: boolean}
  | {on: 'source' | 'destination'; addresses: string[]; negated: boolean}
  /** Meets packets up to or beyond a rate, whoever sends them. */
  | {on: 'rate'; text: string}
  /** Meets none that an ordinary first packet of a connection is: spoofed sources, exhausted quotas. */
  | {on: 'odd'; text: string}
  /** Not understood: may meet any packet or none. */
  | {on: 'other'; text: string};

export type FirewallAction =
  | {do: 'accept' | 'drop' | 'reject' | 'return' | 'continue'}
  | {do: 'jump' | 'goto'; chain: string};

export type FirewallRule = {matches: FirewallMatch[]; action: FirewallAction; where: string};

export type FirewallChain = {
  /** Unique, and what `jump` names: `inet filter input` or `iptables filter INPUT`. */
  name: string;
  /** `inet` is both. */
  family: 'ip' | 'ip6' | 'inet';
  /** Of chains that the kernel enters by itself on the way in; null for those that others jump to. */
  base: {policy: 'accept' | 'drop'} | null;
  rules: FirewallRule[];
};

/** The packet filter that the running kernel has. ufw and firewalld are only ways to write it. */
export type FirewallFact = {
  chains: FirewallChain[];
  /** Whether any interface but the loopback has IPv6. */
  ipv6: boolean;
};
