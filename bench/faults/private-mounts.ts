import {spawnSync} from 'node:child_process';

/**
 * A command line that runs this one with mounts that nobody else sees, or null where that is not allowed. The caller
 * starts it in place of itself.
 */
export function withPrivateMounts(argv: readonly string[]): [string, ...string[]] | null {
  if (process.getuid?.() !== 0) return null;
  const unshare = ['--mount', '--propagation', 'private', '--'] as const;
  const allowed = spawnSync('unshare', [...unshare, 'mount', '-t', 'tmpfs', 'none', '/mnt'], {stdio: 'ignore'});
  return allowed.status === 0 ? ['unshare', ...unshare, ...argv] : null;
}
