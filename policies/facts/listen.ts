/** `everyHolder`: looks through all processes even when each socket already has one that holds it. */
export type ListenersRequest = {everyHolder: boolean};

export type SocketHolder = {pid: number; name: string; exe: string | null; unit: string | null};

/** A socket that waits for others: listening TCP, or UDP without a peer. */
export type ListenerFact = {
  protocol: 'tcp' | 'udp';
  /** As in `127.0.0.1`, `::`, `::ffff:10.0.0.1`; RFC 5952. */
  address: string;
  port: number;
  inode: number;
  holders: SocketHolder[];
  /** Why some holders may be missing; null when all processes were seen. Kernel services have no holder. */
  holdersUnseen: string | null;
};

export type ListenersFact = {
  listeners: ListenerFact[];
  /** Whose network namespace it is: PID 1's, or that of whoever looks. */
  namespace: 'host' | 'own';
};
