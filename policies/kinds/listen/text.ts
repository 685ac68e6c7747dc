import type {ListenerFact} from '../../facts/listen.ts';

/** `tcp port 22`, `udp ports 53 and 123`. */
export const portSubject = (protocol = 'tcp', ports: number[]): string =>
  ports.length === 1
    ? `${protocol} port ${ports[0]}`
    : `${protocol} ports${ports.length === 0 ? '' : ` ${ports.join(', ')}`}`;

export const addressesText = (sockets: ListenerFact[]): string => {
  const addresses = [...new Set(sockets.map(({address}) => address))];
  return addresses.length > 6
    ? `${addresses.slice(0, 6).join(', ')} and ${addresses.length - 6} more`
    : addresses.join(', ');
};

/** `/usr/sbin/sshd (pid 700, ssh.service)`, or why it is not known. */
export function holdersText(sockets: ListenerFact[]): string {
  const texts = new Set<string>();
  for (const {holders, holdersUnseen} of sockets) {
    for (const {pid, name, exe, unit} of holders)
      texts.add(`${exe ?? name} (pid ${pid}${unit === null ? '' : `, ${unit}`})`);
    if (holders.length === 0)
      texts.add(
        holdersUnseen === null ? 'the kernel or another pid namespace' : `an unseen process (${holdersUnseen})`,
      );
  }
  const list = [...texts];
  return list.length > 4 ? `${list.slice(0, 4).join(', ')} and ${list.length - 4} more` : list.join(', ');
}

/** The units that hold the sockets, but for systemd's own: those are of a .socket unit that has another name. */
export const unitsOf = (sockets: ListenerFact[]): string[] =>
  [
    ...new Set(
      sockets.flatMap(({holders}) =>
        holders.map(({unit}) => unit).filter(unit => unit?.endsWith('.service') && !unit.startsWith('user@')),
      ),
    ),
  ] as string[];
