import {formatIpv6} from '../../../../policies/address.ts';

export type SocketRow = {protocol: 'tcp' | 'udp'; address: string; port: number; inode: number};

const TCP_LISTEN = '0A';
/** The state that unconnected UDP sockets have. */
const TCP_CLOSE = '07';

/**
 * The waiting sockets of /proc/net/tcp and its like, proc_net_tcp(5). `complete` is false when the text was cut off
 * where more of them may follow: the kernel lists listening TCP sockets before all others, UDP sockets in any order.
 */
export function parseSocketTable(
  text: string,
  protocol: 'tcp' | 'udp',
  truncated: boolean,
): {rows: SocketRow[]; complete: boolean} {
  const lines = text.split('\n').slice(1);
  if (truncated) lines.pop();
  const rows: SocketRow[] = [];
  let last = '';
  for (const line of lines) {
    const [, local = '', remote = '', state = '', , , , , , inode = ''] = line.trim().split(/\s+/);
    const match = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local);
    if (match === null || !/^\d+$/.test(inode)) continue;
    last = state;
    const waits = protocol === 'tcp' ? state === TCP_LISTEN : state === TCP_CLOSE && /:0000$/.test(remote);
    if (!waits) continue;
    rows.push({
      protocol,
      address: formatAddress(match[1] as string),
      port: Number.parseInt(match[2] as string, 16),
      inode: Number(inode),
    });
  }
  return {rows, complete: !truncated || (protocol === 'tcp' && last !== TCP_LISTEN && last !== '')};
}

/** Words of 32 bits, each in the byte order of the machine: little-endian on all that Node 24 runs on here. */
function formatAddress(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  bytes.swap32();
  return bytes.length === 4 ? bytes.join('.') : formatIpv6(bytes);
}
