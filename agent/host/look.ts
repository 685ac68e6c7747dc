/** Why a look at the machine gave nothing. `absent` is itself an answer; the others mean that we could not look. */
export type LookCode = 'absent' | 'denied' | 'changed' | 'timeout' | 'wrong-type' | 'link-loop' | 'unsupported' | 'io';

/** What one look gave. Never thrown: what a host holds is no exception. `reason` is fit for a finding. */
export type Look<T> = {ok: true; value: T} | {ok: false; code: LookCode; reason: string};

export const looked = <T>(value: T): Look<T> => ({ok: true, value});
export const failed = (code: LookCode, reason: string): Look<never> => ({ok: false, code, reason});

const words: {[errno: string]: [LookCode, string]} = {
  ENOENT: ['absent', 'it does not exist'],
  ENOTDIR: ['absent', 'a part of its path is not a directory'],
  EACCES: ['denied', 'permission denied'],
  EPERM: ['denied', 'operation not permitted'],
  ELOOP: ['link-loop', 'too many links, or a link where none may be'],
  ENAMETOOLONG: ['io', 'its name is too long'],
  EIO: ['io', 'input/output error, the disk or file system may be damaged'],
  ESRCH: ['absent', 'the process has ended'],
  EINVAL: ['unsupported', 'the kernel does not support reading it'],
  EOPNOTSUPP: ['unsupported', 'the file system does not support it'],
  ESTALE: ['io', 'stale file handle, the file server lost it'],
  ENOTCONN: ['io', 'the file system behind the mount has ended'],
  EHOSTDOWN: ['io', 'the file server is down'],
};

/**
 * A failed look from what a Node call threw. `doing` is e.g. `read /etc/shadow`. The advice to run as root is left out
 * where root was refused (`looker`, default this process's effective uid, is 0): by an access-control module, a file server or a container.
 */
export function lookError(doing: string, error: unknown, looker = process.geteuid?.() ?? -1): Look<never> {
  const errno = error instanceof Error && 'code' in error ? String(error.code) : '';
  const [code, text] = words[errno] ?? ['io', error instanceof Error ? error.message.split('\n')[0] : String(error)];
  const advice = code === 'denied' ? (looker === 0 ? ' even to root' : ', run as root') : '';
  return failed(code as LookCode, `cannot ${doing}: ${text}${advice}${errno === '' ? '' : ` (${errno})`}`);
}
