import {type ErrorCode, ReeveError} from '../errors.ts';
import type {Host, HostStat} from '../host/host.ts';

export type OwnFile = {state: 'read'; text: string} | {state: 'absent'} | {state: 'denied'; reason: string};

/**
 * Reads a file that decides what reeve does. Refuses one that others could have written: its owner must be root (or
 * whoever runs reeve, when that is not root) and neither group nor others may write it, nor the directory it is in.
 */
export async function readOwnFile(host: Host, path: string, code: ErrorCode): Promise<OwnFile> {
  const stat = await host.fs.stat(path);
  if (!stat.ok && stat.code === 'absent') return {state: 'absent'};
  if (!stat.ok && stat.code === 'denied') return {state: 'denied', reason: stat.reason};
  if (!stat.ok) throw new ReeveError(code, `cannot load "${path}": ${stat.reason}`);
  const directory = await host.fs.stat(path.slice(0, path.lastIndexOf('/')) || '/');
  const wrong =
    whyUnsafe(host, stat.value) ?? (directory.ok ? whyUnsafe(host, directory.value, 'its directory: ') : null);
  if (wrong !== null) throw new ReeveError(code, `cannot load "${path}": ${wrong}`);
  const file = await host.fs.readFile(path);
  if (!file.ok && file.code === 'denied') return {state: 'denied', reason: file.reason};
  if (!file.ok) throw new ReeveError(code, `cannot load "${path}": ${file.reason}`);
  if (file.value.truncated) throw new ReeveError(code, `cannot load "${path}": it is larger than 1 MiB`);
  return {state: 'read', text: file.value.bytes.toString('utf8')};
}

/** Why a file that reeve obeys could have been written by somebody else, or null. */
export function whyUnsafe(host: Host, stat: HostStat, what = ''): string | null {
  if (stat.uid !== 0 && (host.uid === 0 || stat.uid !== host.uid)) return `${what}owner is uid ${stat.uid}, must be 0`;
  const sticky = stat.type === 'directory' && (stat.mode & 0o1000) !== 0;
  if ((stat.mode & 0o022) !== 0 && !sticky) {
    return `${what}mode is ${stat.mode.toString(8).padStart(4, '0')}, group and others must not write it (chmod go-w)`;
  }
  return null;
}
