import {readAptAutomatic} from './apt/index.ts';
import {single} from './collector.ts';
import {readDnfAutomatic} from './dnf/automatic.ts';
import {collectOs} from './os.ts';
import {lookUpPackages} from './packages.ts';

/** unattended-upgrades or dnf-automatic, by the manager whose packages the machine has. */
export const collectAutoUpdates = single<'autoUpdates'>(async looking => {
  const packages = await lookUpPackages(looking);
  if (packages.state !== 'seen') return packages;
  if (packages.value.manager === 'rpm') return readDnfAutomatic(looking.host, packages.value);
  const [os] = await collectOs([{}], looking);
  return readAptAutomatic(looking.host, packages.value, os?.state === 'seen' ? os.value : null);
});
