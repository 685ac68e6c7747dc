import type {PackageFact} from './facts/packages.ts';

/**
 * Whether files of the package are on the machine, whole or in part: a package that was left half-way is not installed,
 * but it is not gone either. dpkg's states are those of dpkg(1).
 */
export function isPresent({status, installed}: Pick<PackageFact, 'status' | 'installed'>): boolean {
  return installed || !['not-installed', 'config-files'].includes(status.split(' ').at(-1) as string);
}
