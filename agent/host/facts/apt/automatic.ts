import {type Answer, absent, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {OsFact} from '../../../../policies/facts/os.ts';
import type {PackagesFact} from '../../../../policies/facts/packages.ts';
import type {AutoUpdatesFact} from '../../../../policies/facts/patch.ts';
import {matchesGlob} from '../../../../policies/pattern.ts';
import type {Host} from '../../host.ts';
import {readArchitectures} from '../dpkg/architectures.ts';
import {unitIsEnabled} from '../timer.ts';
import {type AptConfig, readAptConfig} from './config.ts';
import {findRepositories, type Repository} from './lists.ts';
import {readSources} from './sources.ts';

type Step = AutoUpdatesFact['steps'][number];

/** Whether apt-daily and unattended-upgrades, configured as they are, install security updates. */
export async function readAptAutomatic(
  host: Host,
  packages: PackagesFact,
  os: OsFact | null,
): Promise<Answer<AutoUpdatesFact>> {
  const config = await readAptConfig(host);
  if (!config.ok) return unseen(config.reason);
  if (!packages.packages.some(({name, installed}) => name === 'unattended-upgrades' && installed))
    return absent('unattended-upgrades is not installed', ['/var/lib/dpkg/status']);
  const repositories = await securityRepositories(host, packages);
  if ('unseen' in repositories) return unseen(repositories.unseen);
  const periodic = ['Update-Package-Lists', 'Unattended-Upgrade'].map(name => periodicStep(config.value, name));
  const steps: Step[] = [
    enabledStep(config.value),
    ...periodic,
    await timerStep(host, 'apt-daily.timer'),
    await timerStep(host, 'apt-daily-upgrade.timer'),
    ...repositories.found.map(repository => originStep(config.value, repository, os)),
  ];
  if (repositories.found.length === 0)
    steps.push({
      what: 'security repository',
      expected: 'fetched',
      actual: 'none was fetched',
      ok: null,
      where: '/var/lib/apt/lists',
    });
  return seen({mechanism: 'unattended-upgrades', steps}, ['/etc/apt/apt.conf.d']);
}

async function securityRepositories(
  host: Host,
  packages: PackagesFact,
): Promise<{found: Repository[]} | {unseen: string}> {
  const native = packages.nativeArchitecture ?? '';
  const architectures = await readArchitectures(host, native);
  if (!architectures.ok) return {unseen: architectures.reason};
  const sources = await readSources(host, native);
  if (!sources.ok) return {unseen: sources.reason};
  const all = await findRepositories(
    host,
    sources.value.filter(({enabled}) => enabled),
    architectures.value,
    new Set(),
  );
  return {found: all.filter(({security, release}) => security && release !== null)};
}

function enabledStep(config: AptConfig): Step {
  const item = config.find('APT::Periodic::Enable');
  const value = item?.value ?? '1';
  return {
    what: 'APT::Periodic::Enable',
    expected: 'not 0',
    actual: value,
    ok: value !== '0',
    where: item?.where ?? '/etc/apt/apt.conf.d',
  };
}

/** A number of days, or with a unit (s, m, h, d), or `always`; 0 and nothing are never. Source: apt.systemd.daily. */
function periodicStep(config: AptConfig, name: string): Step {
  const item = config.find(`APT::Periodic::${name}`);
  const value = item?.value ?? '0';
  const ok = value === 'always' || (/^\d+[smhd]?$/.test(value) && Number.parseInt(value, 10) > 0);
  return {
    what: `APT::Periodic::${name}`,
    expected: 'at least "1"',
    actual: item === null ? 'not set' : value,
    ok,
    where: item?.where ?? '/etc/apt/apt.conf.d',
  };
}

/** Under systemd the timers start it, else cron's apt-compat, which does nothing where systemd runs. */
async function timerStep(host: Host, timer: string): Promise<Step> {
  const state = await unitIsEnabled(host, timer, 'timers.target');
  if (state.ok !== false || state.exists)
    return {what: timer, expected: 'enabled', actual: state.actual, ok: state.ok, where: state.where};
  const cron = await host.fs.lstat('/etc/cron.daily/apt-compat');
  return {
    what: timer,
    expected: 'enabled, or cron runs apt-compat',
    actual: cron.ok ? 'cron runs apt-compat' : state.actual,
    ok: cron.ok,
    where: '/etc/cron.daily/apt-compat',
  };
}

function originStep(config: AptConfig, {name, release}: Repository, os: OsFact | null): Step {
  const patterns = [
    ...config.list('Unattended-Upgrade::Allowed-Origins').map(item => ({...item, pattern: fromAllowed(item.value)})),
    ...config.list('Unattended-Upgrade::Origins-Pattern').map(item => ({...item, pattern: item.value})),
  ];
  const values = new Map<string, string>([
    ...['o', 'origin'].map(key => [key, release?.origin ?? ''] as const),
    ...['l', 'label'].map(key => [key, release?.label ?? ''] as const),
    ...['a', 'suite', 'archive'].map(key => [key, release?.suite ?? ''] as const),
    ...['n', 'codename'].map(key => [key, release?.codename ?? ''] as const),
  ]);
  const match = patterns.find(({pattern}) => allows(pattern, values, os));
  return {
    what: `unattended-upgrades for ${name}`,
    expected: 'allowed',
    actual: match === undefined ? 'no origin pattern matches it' : `allowed by "${match.value}"`,
    ok: match !== undefined,
    where: match?.where ?? '/etc/apt/apt.conf.d/50unattended-upgrades',
  };
}

/** `origin:suite`, with `\:` for a colon that parts nothing. */
function fromAllowed(value: string): string {
  const [origin = '', suite = ''] = value.includes('\\:')
    ? value.split(/(?<!\\):/)
    : value.includes(':')
      ? [value.slice(0, value.indexOf(':')), value.slice(value.indexOf(':') + 1)]
      : value.split(/\s+/);
  return `o=${origin.replaceAll('\\:', ':').replaceAll(',', '%2C')},a=${suite.replaceAll('\\:', ':').replaceAll(',', '%2C')}`;
}

/** Each `key=pattern` must match, as fnmatch(3) does. Keys that cannot be judged from a Release file match nothing. */
function allows(pattern: string, values: Map<string, string>, os: OsFact | null): boolean {
  const id = os?.id ?? '';
  const filled = pattern
    .replaceAll(/\$\{distro_id\}/g, id.slice(0, 1).toUpperCase() + id.slice(1))
    .replaceAll(/\$\{distro_codename\}/g, os?.codename ?? '');
  if (filled.trim() === '*') return true;
  return filled.split(/(?<!\\),/).every(part => {
    const [key = '', wanted = ''] = part.split('=').map(word => word.trim());
    const value = values.get(key);
    return value !== undefined && matchesGlob(wanted.replaceAll('%2C', ','), value);
  });
}
