import {readAptRepositories} from './apt/index.ts';
import {single} from './collector.ts';
import {readDnfRepositories} from './dnf/signatures.ts';
import {lookUpPackages} from './packages.ts';

/** The configured repositories of apt or dnf, by the manager whose packages the machine has. */
export const collectRepositories = single<'repositories'>(async looking => {
  const packages = await lookUpPackages(looking);
  if (packages.state !== 'seen') return packages;
  return packages.value.manager === 'rpm'
    ? readDnfRepositories(looking.host)
    : readAptRepositories(looking.host, packages.value.nativeArchitecture);
});
