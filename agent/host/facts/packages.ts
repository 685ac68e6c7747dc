import {type Answer, absent} from '../../../policies/facts/answer.ts';
import type {PackagesFact} from '../../../policies/facts/packages.ts';
import {type Collector, type Looking, single} from './collector.ts';
import {collectDpkgPackageFiles} from './dpkg/files.ts';
import {readDpkgPackages} from './dpkg/status.ts';
import {once} from './once.ts';
import {collectOs} from './os.ts';
import {collectRpmPackageFiles, type RpmPackagesFact, readRpmPackages} from './rpm/index.ts';

/** The packages of this machine's manager. */
export type FoundPackages = (PackagesFact & {manager: 'dpkg'}) | RpmPackagesFact;

/** Read once a check, for all facts that build on it. */
export const lookUpPackages = once(choosePackages);

export const collectPackages = single<'packages'>(lookUpPackages);

export const collectPackageFiles: Collector<'packageFiles'> = async (requests, looking) => {
  const packages = await lookUpPackages(looking);
  if (packages.state !== 'seen') return requests.map(() => packages);
  const names = requests.map(request => request.package);
  return packages.value.manager === 'rpm'
    ? collectRpmPackageFiles(looking.host, names)
    : collectDpkgPackageFiles(looking.host, names);
};

/** A machine may have the other manager's database too, as a tool: then its family decides, else what is filled. */
async function choosePackages(looking: Looking): Promise<Answer<FoundPackages>> {
  const dpkg = await readDpkgPackages(looking.host);
  const family = dpkg.state === 'absent' ? 'rpm' : await familyOf(looking);
  if (dpkg.state !== 'absent' && family === 'dpkg') return dpkg;
  const rpm = await readRpmPackages(looking.host);
  if (rpm.state !== 'absent') return family === 'rpm' || isEmpty(dpkg) ? rpm : dpkg;
  return dpkg.state === 'absent'
    ? absent('there is neither a dpkg nor an rpm database', [...dpkg.where, ...rpm.where])
    : dpkg;
}

const isEmpty = (answer: Answer<PackagesFact>) => answer.state === 'seen' && answer.value.packages.length === 0;

async function familyOf(looking: Looking): Promise<'dpkg' | 'rpm' | null> {
  const [os] = await collectOs([{}], looking);
  const words = os?.state === 'seen' ? [os.value.id, ...os.value.like] : [];
  if (words.some(word => ['debian', 'ubuntu'].includes(word))) return 'dpkg';
  return words.some(word => ['rhel', 'fedora', 'centos', 'suse', 'opensuse', 'amzn'].includes(word)) ? 'rpm' : null;
}
