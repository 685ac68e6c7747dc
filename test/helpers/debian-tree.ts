import {execFileSync, spawnSync} from 'node:child_process';

/** Why a Debian tree cannot be unpacked here, or the mirror to take it from. */
export function findMirror(suite: string): {mirror: string} | {reason: string} {
  if (process.geteuid?.() !== 0) return {reason: 'debootstrap needs root'};
  if (spawnSync('debootstrap', ['--version']).error !== undefined) return {reason: 'debootstrap is not installed'};
  const format = '$(REPO_URI)|$(RELEASE)|$(COMPONENT)';
  const targets = spawnSync('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], {
    encoding: 'utf8',
  });
  const target = (targets.stdout ?? '')
    .split('\n')
    .map(line => line.split('|'))
    .find(([, release, component]) => release === suite && component === 'main');
  return target?.[0] === undefined ? {reason: `apt knows no source of ${suite}`} : {mirror: target[0]};
}

/** Unpacks and configures a small Debian with debootstrap(8). Takes a minute. */
export function unpackDebian(
  directory: string,
  {suite, mirror, packages}: {suite: string; mirror: string; packages: string[]},
): void {
  execFileSync('debootstrap', ['--variant=minbase', `--include=${packages.join(',')}`, suite, directory, mirror], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 600_000,
  });
}

/** Everything of each entry that a check could have changed: type, mode, owner, size, times and inode. */
export function snapshot(directory: string): string {
  return execFileSync('find', [directory, '-printf', '%P %y %m %U %G %s %T@ %C@ %i %l\n'], {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
}
