import {createRequire} from 'node:module';
import {getSystemErrorName} from 'node:util';
import {nativePath} from '../../home.ts';

/** Where glance() puts what; the order of reeve_native.c. */
export const field = {
  mode: 0,
  uid: 1,
  gid: 2,
  links: 3,
  size: 4,
  device: 5,
  inode: 6,
  modifiedMs: 7,
  changedMs: 8,
  /** Zero where the kernel (before 5.8) or Node does not say. */
  mount: 9,
} as const;
export const fieldCount = 10;

/** What only C can ask the kernel. Names are one path component, as latin1 text: one character a byte. */
export type Native = {
  /** Zero, or a negative errno. An empty name stands for the descriptor itself. Never waits for a file server. */
  glance(directoryFd: number, name: string, fields: Float64Array): number;
  /** Null when there is no attribute of that name; a negative errno on failure. */
  readAttribute(fd: number, name: string): Buffer | null | number;
  /** pid, uid and gid of whoever connected a Unix socket; null when it is none. */
  peerCredentials(fd: number): [pid: number, uid: number, gid: number] | null;
  /**
   * From now on no thread of this process, and no program that it starts, opens a socket that receives from a network:
   * AF_UNIX, AF_NETLINK and raw sockets of IPPROTO_RAW are what is left. Zero, or a negative errno.
   */
  restrictSockets(): number;
};

/** The native part, or null where it was not built: without a C compiler reeve runs slower and sees no attributes. */
export const native: Native | null = load();

function load(): Native | null {
  try {
    return createRequire(import.meta.url)(nativePath) as Native;
  } catch {
    return null;
  }
}

/** What Node would have thrown for a negative errno. */
export function nativeError(errno: number): Error {
  const code = getSystemErrorName(errno);
  return Object.assign(new Error(code), {code});
}
