import type {Answer} from '../../../policies/facts/answer.ts';
import type {UpdatesFact} from '../../../policies/facts/patch.ts';
import {readAptUpdates} from './apt/index.ts';
import {type Looking, single} from './collector.ts';
import {once} from './once.ts';
import {collectOs} from './os.ts';
import {lookUpPackages} from './packages.ts';
import {readDnfUpdates} from './rpm/index.ts';

/** Pending updates of apt or dnf, by the manager whose packages the machine has. */
export const lookUpUpdates = once(async (looking: Looking): Promise<Answer<UpdatesFact>> => {
  const packages = await lookUpPackages(looking);
  if (packages.state !== 'seen') return packages;
  if (packages.value.manager === 'rpm') return readDnfUpdates(looking.host, packages.value.packages);
  const [os] = await collectOs([{}], looking);
  return readAptUpdates(looking.host, packages.value, os?.state === 'seen' ? os.value : null);
});

export const collectUpdates = single<'updates'>(lookUpUpdates);
