import {type Answer, absent, liveOnly, seen} from '../../../../policies/facts/answer.ts';
import type {ApparmorFact} from '../../../../policies/facts/apparmor.ts';
import type {Host} from '../../host.ts';
import {single} from '../collector.ts';
import {readProfilesOnDisk} from './apparmor-disk.ts';
import {readLoadedProfiles} from './apparmor-loaded.ts';
import {activeLsms, answerOf, hasLsm, mountPoint, readText} from './lsm.ts';
import {type BootOutcome, nextBoot} from './next-boot.ts';

/** AppArmor as the kernel, securityfs, /etc/apparmor.d and the boot entries have it. */
export const collectApparmor = single<'apparmor'>(async looking => {
  const {host} = looking;
  const kernel = hasLsm(await activeLsms(host), 'apparmor');
  const files = await readProfilesOnDisk(host);
  const {loaded, detailsUnseen} = await readLoadedProfiles(host, await mountPoint(host, 'securityfs'), kernel);
  const fact: ApparmorFact = {
    kernel,
    enabled: await readEnabled(host),
    loaded: withFilePatterns(loaded, files.onDisk),
    detailsUnseen,
    ...files,
    loadedAtBoot: await loadedAtBoot(host),
    nextBoot: onAtBoot(await nextBoot(looking, 'apparmor')),
    restrictions: await readRestrictions(host),
  };
  return seen(fact, [
    ...(kernel.state === 'seen' ? kernel.where : []),
    ...(loaded.state === 'seen' ? loaded.where : []),
    '/etc/apparmor.d',
  ]);
});

/** A pattern that the kernel has compiled only is taken from the file that defines a profile of that name, if it is plain. */
function withFilePatterns(loaded: ApparmorFact['loaded'], onDisk: ApparmorFact['onDisk']): ApparmorFact['loaded'] {
  if (loaded.state !== 'seen' || onDisk.state !== 'seen') return loaded;
  const patterns = new Map(onDisk.value.map(({name, attach}) => [name, attach]));
  const profiles = loaded.value.map(profile => {
    const pattern = profile.attachHidden ? patterns.get(profile.name) : null;
    return pattern && !pattern.includes('@{') ? {...profile, attach: pattern, attachHidden: false} : profile;
  });
  return seen(profiles, loaded.where);
}

/** The other parameters answer EINVAL or EPERM when AppArmor is off or hides itself; this one never does. */
async function readEnabled(host: Host): Promise<Answer<boolean>> {
  if (!host.live) return liveOnly('whether AppArmor is enabled');
  const path = '/sys/module/apparmor/parameters/enabled';
  return answerOf(await readText(host, path, 64), path, text => (/^[YN]\s*$/.test(text) ? text.startsWith('Y') : null));
}

const restrictionKeys = [
  'apparmor_restrict_unprivileged_userns',
  'apparmor_restrict_unprivileged_unconfined',
  'apparmor_restrict_unprivileged_io_uring',
];

/** Switches of newer kernels and of Ubuntu's; a kernel without them is no failure. */
async function readRestrictions(host: Host): Promise<ApparmorFact['restrictions']> {
  if (!host.live) return liveOnly('running kernel parameters');
  const found: Array<{key: string; value: string}> = [];
  for (const key of restrictionKeys) {
    const text = await readText(host, `/proc/sys/kernel/${key}`, 64);
    if (text.ok) found.push({key: `kernel.${key}`, value: text.value.trim()});
    else if (text.code !== 'absent') return {state: 'unseen', reason: text.reason};
  }
  return found.length > 0
    ? seen(
        found,
        found.map(({key}) => `/proc/sys/${key.replace('.', '/')}`),
      )
    : absent('this kernel has no such switches');
}

const wants = [
  '/etc/systemd/system/sysinit.target.wants/apparmor.service',
  '/usr/lib/systemd/system/sysinit.target.wants/apparmor.service',
  '/etc/systemd/system/multi-user.target.wants/apparmor.service',
];
const initScripts = '/etc/rcS.d';

/** What loads the profiles: apparmor.service wanted at boot and not masked, else the init script's start link. */
async function loadedAtBoot(host: Host): Promise<Answer<boolean>> {
  const mask = await host.fs.readLink('/etc/systemd/system/apparmor.service');
  if (mask.ok && mask.value === '/dev/null') return seen(false, ['/etc/systemd/system/apparmor.service']);
  for (const path of wants) {
    const stat = await host.fs.lstat(path);
    if (stat.ok) return seen(true, [path]);
    if (stat.code !== 'absent') return {state: 'unseen', reason: stat.reason};
  }
  const scripts = await host.fs.list(initScripts);
  const script = scripts.ok ? scripts.value.names.find(name => /^S\d\dapparmor$/.test(name)) : undefined;
  const systemd =
    (await host.fs.lstat('/usr/lib/systemd/systemd')).ok || (await host.fs.lstat('/lib/systemd/systemd')).ok;
  return script !== undefined && !systemd
    ? seen(true, [`${initScripts}/${script}`])
    : seen(false, [wants[0] as string]);
}

function onAtBoot(boot: Answer<BootOutcome[]>): ApparmorFact['nextBoot'] {
  if (boot.state !== 'seen') return boot;
  const worst = boot.value.find(({on}) => !on) ?? boot.value[0];
  return worst === undefined
    ? {state: 'unseen', reason: 'no boot entry was judged'}
    : seen({on: worst.on, why: worst.why}, [worst.where]);
}
