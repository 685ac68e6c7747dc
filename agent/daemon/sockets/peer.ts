import type {Socket} from 'node:net';
import {native} from '../../host/local/native.ts';

export type Peer = {pid: number; uid: number; gid: number};

/**
 * Who connected, as the kernel saw it then: SO_PEERCRED, unix(7). Null where that cannot be told. Node keeps the
 * descriptor of a socket in `_handle.fd`, which has no public name; a test holds us to it.
 */
export function peerOf(socket: Socket): Peer | null {
  const fd = (socket as unknown as {_handle: {fd: number} | null})._handle?.fd ?? -1;
  if (native === null || fd < 0) return null;
  const [pid, uid, gid] = native.peerCredentials(fd) ?? [];
  return pid === undefined || uid === undefined || gid === undefined ? null : {pid, uid, gid};
}

/** Whether peers can be told apart on this machine. */
export const knowsPeers: boolean = native !== null;
