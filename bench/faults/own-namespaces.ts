import {spawnSync} from 'node:child_process';

/**
 * Mounts and processes of their own: nobody else sees the small disks, a wrong process id kills nothing of this machine,
 * and all that runs inside ends with it.
 */
const unshare = ['--mount', '--propagation', 'private', '--pid', '--fork', '--mount-proc', '--kill-child', '--'];
/** Process 1 in there: a shell takes the ends of orphans, which Node would leave as zombies. */
const init = ['sh', '-c', '"$@"; exit $?', 'init'];

/** A command line that runs this one in namespaces of its own, or null where that is not allowed. */
export function inOwnNamespaces(argv: readonly string[]): [string, ...string[]] | null {
  if (process.getuid?.() !== 0) return null;
  const allowed = spawnSync('unshare', [...unshare, 'mount', '-t', 'tmpfs', 'none', '/mnt'], {stdio: 'ignore'});
  return allowed.status === 0 ? ['unshare', ...unshare, ...init, ...argv] : null;
}
