import type {Host} from '../../host.ts';
import type {Looking} from '../collector.ts';
import {lookUpPackages} from '../packages.ts';
import {readCachedRepositories} from '../rpm/cache.ts';
import {findRpmDatabase} from '../rpm/database.ts';
import {type RpmPackage, readDnfConfiguration} from '../rpm/index.ts';

/** Packages that a running system goes on using in their old form until it starts anew: dnf-needs-restarting(8). */
const corePackages = ['glibc', 'systemd', 'dbus', 'dbus-broker', 'dbus-daemon', 'linux-firmware', 'microcode_ctl'];
const kernelPackages = ['kernel', 'kernel-core', 'kernel-rt', 'kernel-rt-core', 'kernel-uek', 'kernel-uek-core'];

/** Reasons to reboot that rpm's installation times give; null when the machine's packages are not rpm's. */
export async function rebootReasonsOfRpm(
  looking: Looking,
  bootedMs: number,
): Promise<{reasons: string[]; problem: string | null} | null> {
  const {host} = looking;
  if ((await findRpmDatabase(host)).state === 'absent') return null;
  const answer = await lookUpPackages(looking);
  if (answer.state !== 'seen') return {reasons: [], problem: answer.reason};
  if (answer.value.manager !== 'rpm') return null;
  const later = answer.value.packages.filter(({installedMs}) => installedMs !== null && installedMs > bootedMs);
  const core = new Set([...corePackages, ...(await configuredPackages(host))]);
  const reasons = later
    .filter(({name}) => core.has(name))
    .map(({name, version}) => `${name} ${version} was installed after the start`);
  const others = later.filter(({name}) => !core.has(name) && !kernelPackages.includes(name));
  if (others.length > 0) reasons.push(...(await suggestedByAdvisories(host, others)));
  return {reasons, problem: null};
}

/** What the administrator added: one name a line. */
async function configuredPackages(host: Host): Promise<string[]> {
  const directory = '/etc/dnf/plugins/needs-restarting.d';
  const list = await host.fs.list(directory, {max: 100});
  const names: string[] = [];
  for (const name of list.ok ? list.value.names.filter(entry => entry.endsWith('.conf')) : []) {
    const file = await host.fs.readFile(`${directory}/${name}`, {maxBytes: 64 * 1024});
    if (file.ok)
      names.push(
        ...file.value.bytes
          .toString('utf8')
          .split('\n')
          .map(line => line.trim()),
      );
  }
  return names.filter(name => name !== '' && !name.startsWith('#'));
}

/** Packages installed since the start in the very version of an advisory that says `reboot_suggested`. */
async function suggestedByAdvisories(host: Host, packages: RpmPackage[]): Promise<string[]> {
  const configuration = await readDnfConfiguration(host);
  if (configuration === null || 'reason' in configuration) return [];
  const repositories = await readCachedRepositories(host, configuration, new Set(packages.map(({name}) => name)));
  const reasons = new Set<string>();
  for (const {advisories} of repositories) {
    for (const advisory of Array.isArray(advisories) ? advisories : []) {
      if (!advisory.rebootSuggested) continue;
      const match = packages.find(
        ({name, version, architecture}) =>
          name === advisory.name && version === advisory.version && architecture === advisory.architecture,
      );
      if (match !== undefined)
        reasons.add(
          `${advisory.advisory} asks for a restart, and ${match.name} ${match.version} was installed after the start`,
        );
    }
  }
  return [...reasons].sort();
}
