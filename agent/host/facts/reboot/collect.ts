import {absent, liveOnly, seen} from '../../../../policies/facts/answer.ts';
import type {RebootFact} from '../../../../policies/facts/patch.ts';
import type {Host} from '../../host.ts';
import {type Looking, single} from '../collector.ts';
import {collectEnvironment} from '../environment.ts';
import {readBootDefault} from './boot-default.ts';
import {buildOf, compareReleases, flavourOf, type InstalledKernel, readInstalledKernels} from './kernels.ts';
import {rebootReasonsOfRpm} from './rpm.ts';

const markers = ['/run/reboot-required', '/var/run/reboot-required', '/run/reboot-needed'];

/**
 * Whether the machine must be started anew. What is compared: the newest installed kernel of the running one's flavour,
 * the build text of the running release, packages that rpm installed since the start, and the flag file that some
 * distributions write. That the flag file is not there proves nothing: on Debian one optional hook alone writes it.
 */
export const collectReboot = single<'reboot'>(async looking => {
  const {host} = looking;
  if (host.uname === null) return liveOnly('whether it needs a restart');
  const [environment] = await collectEnvironment([{}], looking);
  const container = environment?.state === 'seen' ? environment.value.container : null;
  if (container !== null) return absent(`this is a container (${container}): its kernel is the host's`);
  const {release, bootedMs} = host.uname;
  const fact: RebootFact = {
    required: null,
    reasons: [],
    runningKernel: release,
    runningBuild: null,
    newestInstalledKernel: null,
    sameReleaseNewBuild: null,
    bootDefault: await readBootDefault(host),
    livePatches: await readLivePatches(host),
    bootedAt: bootedMs === null ? null : new Date(bootedMs).toISOString(),
    marker: await readMarker(host),
    notes: [],
  };
  const version = await host.fs.readFile('/proc/version', {maxBytes: 4096});
  fact.runningBuild = version.ok ? buildOf(version.value.bytes.toString('latin1')) : null;
  if (fact.marker !== null)
    fact.reasons.push(
      `${fact.marker.path} asks for it${fact.marker.packages.length > 0 ? `: ${fact.marker.packages.join(', ')}` : ''}`,
    );
  const told = [await compareKernels(host, fact), await compareRpm(looking, fact, bootedMs)];
  if (fact.livePatches.length > 0) fact.notes.push(`live patches are loaded: ${fact.livePatches.join(', ')}`);
  if (
    fact.bootDefault !== null &&
    fact.newestInstalledKernel !== null &&
    compareReleases(fact.bootDefault, fact.newestInstalledKernel) < 0
  ) {
    fact.notes.push(`the boot loader starts ${fact.bootDefault} by default, not ${fact.newestInstalledKernel}`);
  }
  fact.required = fact.reasons.length > 0 ? true : told.every(known => known) ? false : null;
  return seen(fact, ['/proc/version', '/boot', ...(fact.marker === null ? [] : [fact.marker.path])]);
});

/** False when it could not be told. */
async function compareKernels(host: Host, fact: RebootFact): Promise<boolean> {
  const kernels = await readInstalledKernels(host);
  if ('reason' in kernels) {
    fact.notes.push(kernels.reason);
    return false;
  }
  const alike = kernels.filter(({release}) => flavourOf(release) === flavourOf(fact.runningKernel));
  const newest = alike.reduce<InstalledKernel | null>(
    (best, kernel) => (best === null || compareReleases(kernel.release, best.release) > 0 ? kernel : best),
    null,
  );
  if (newest === null) {
    fact.notes.push(
      `no kernel of the running one's kind (${fact.runningKernel}) is installed here: it is started from outside, or was removed`,
    );
    return false;
  }
  fact.newestInstalledKernel = newest.release;
  if (compareReleases(newest.release, fact.runningKernel) > 0)
    fact.reasons.push(`kernel ${newest.release} is installed, ${fact.runningKernel} runs`);
  const same = alike.find(({release}) => release === fact.runningKernel);
  if (same === undefined || same.build === null || fact.runningBuild === null) {
    fact.notes.push(
      same === undefined
        ? `the running kernel ${fact.runningKernel} is not installed any more`
        : (same.problem ?? "cannot read the running kernel's build from /proc/version"),
    );
    return false;
  }
  fact.sameReleaseNewBuild = same.build !== fact.runningBuild;
  if (fact.sameReleaseNewBuild)
    fact.reasons.push(`kernel ${same.release} was built anew: ${same.build} is installed, ${fact.runningBuild} runs`);
  return true;
}

async function compareRpm(looking: Looking, fact: RebootFact, bootedMs: number | null): Promise<boolean> {
  if (bootedMs === null) return true;
  const found = await rebootReasonsOfRpm(looking, bootedMs);
  if (found === null) return true;
  fact.reasons.push(...found.reasons);
  if (found.problem !== null) fact.notes.push(found.problem);
  return found.problem === null;
}

async function readMarker(host: Host): Promise<RebootFact['marker']> {
  for (const path of markers) {
    if (!(await host.fs.lstat(path)).ok) continue;
    const list = await host.fs.readFile(`${path}.pkgs`, {maxBytes: 64 * 1024});
    const names = list.ok
      ? list.value.bytes
          .toString('utf8')
          .split('\n')
          .map(line => line.trim())
      : [];
    return {path, packages: [...new Set(names.filter(name => name !== ''))].slice(0, 100)};
  }
  return null;
}

/** The kernel's live patches that are switched on: the kernel's ABI/testing/sysfs-kernel-livepatch. */
async function readLivePatches(host: Host): Promise<string[]> {
  const list = await host.fs.list('/sys/kernel/livepatch', {max: 100});
  const names: string[] = [];
  for (const name of list.ok ? list.value.names : []) {
    const enabled = await host.fs.readFile(`/sys/kernel/livepatch/${name}/enabled`, {maxBytes: 16});
    if (enabled.ok && enabled.value.bytes.toString('latin1').trim() === '1') names.push(name);
  }
  return names.sort();
}
