import {type Answer, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {OsFact} from '../../../../policies/facts/os.ts';
import type {PackageFact, PackagesFact} from '../../../../policies/facts/packages.ts';
import type {PendingUpdate, UpdateSource, UpdatesFact} from '../../../../policies/facts/patch.ts';
import {isPresent} from '../../../../policies/package-state.ts';
import {compareVersions} from '../../../../policies/version.ts';
import type {Host} from '../../host.ts';
import type {Look} from '../../look.ts';
import {readArchitectures} from '../dpkg/architectures.ts';
import {type AptConfig, readAptConfig} from './config.ts';
import {findRepositories, type Index, listsDirectory, type Repository} from './lists.ts';
import {type ListedVersion, NameSet, readIndex} from './packages.ts';
import {isPhasedAway} from './phased.ts';
import {type IndexFile, Policy, type Version} from './policy.ts';
import {type Pin, parseReleasePin, readPreferences} from './preferences.ts';
import {readSources} from './sources.ts';

/** A version with what only phasing needs. */
type Listed = Version<Index | StatusFile> & {phasedPercentage: number; sourceVersion: string};
type StatusFile = IndexFile & {status: true};
type Installed = {fact: PackageFact; architecture: string; versions: Map<string, Listed>};

const statusFile: StatusFile = {status: true, release: null, site: '', component: 'now', architecture: ''};

/**
 * Pending updates by the lists that `apt-get update` fetched last: the candidate of every installed package as apt
 * computes it, and the security versions up to it. Nothing is fetched and nothing is run.
 */
export async function readAptUpdates(
  host: Host,
  packages: PackagesFact,
  os: OsFact | null,
): Promise<Answer<UpdatesFact>> {
  const setup = await readSetup(host, packages);
  if ('unseen' in setup) return unseen(setup.unseen);
  const {repositories, policy, config, native} = setup;
  const installed = installedPackages(packages, native);
  await readIndexes(host, repositories, installed, native);
  const machineId = config.find('APT::Machine-ID')?.value ?? (await readMachineId(host));
  const never = config.boolean(
    'APT::Get::Never-Include-Phased-Updates',
    config.boolean('Update-Manager::Never-Include-Phased-Updates', false),
  );
  const always = config.boolean(
    'APT::Get::Always-Include-Phased-Updates',
    config.boolean('Update-Manager::Always-Include-Phased-Updates', false),
  );
  const phasing: Phasing = {machineId, mode: always ? 'always' : never ? 'never' : 'die'};
  const pending = [...installed.values()].flatMap(pkg => judgePackage(pkg, policy, phasing) ?? []);
  const sources = repositories.map(repository => describe(host, repository));
  const notes = repositories.filter(({security}) => !security).flatMap(({problems}) => problems);
  return seen(
    {
      manager: 'apt',
      metadata: summarise(sources),
      pending: pending.sort(byName),
      securityUnknown: securityProblems(repositories, os),
      notes,
    },
    [listsDirectory, '/var/lib/dpkg/status'],
  );
}

const byName = (a: PendingUpdate, b: PendingUpdate) =>
  a.package < b.package ? -1 : a.package > b.package ? 1 : a.architecture < b.architecture ? -1 : 1;

type Setup = {repositories: Repository[]; policy: Policy<Index | StatusFile>; config: AptConfig; native: string};

async function readSetup(host: Host, packages: PackagesFact): Promise<Setup | {unseen: string}> {
  const config = await readAptConfig(host);
  if (!config.ok) return {unseen: config.reason};
  const moved = directories.map(name => config.value.find(name)).find(item => item !== null && item.value !== '/');
  if (moved)
    return {
      unseen: `apt looks elsewhere for its files, which reeve does not follow: ${moved.where} says "${moved.value}"`,
    };
  const native = config.value.find('APT::Architecture')?.value ?? packages.nativeArchitecture;
  if (native === null) return {unseen: 'cannot tell the architecture of this machine: no package is installed'};
  const architectures = await readArchitectures(host, native);
  if (!architectures.ok) return {unseen: architectures.reason};
  const sources = await readSources(host, native);
  if (!sources.ok) return {unseen: sources.reason};
  const pins = await readPins(host, config.value);
  if (!pins.ok) return {unseen: pins.reason};
  const names = await host.fs.list(listsDirectory, {max: 100_000});
  if (!names.ok && names.code !== 'absent') return {unseen: names.reason};
  const wanted = sources.value.filter(({enabled}) => enabled);
  const repositories = await findRepositories(
    host,
    wanted,
    architectures.value,
    new Set(names.ok ? names.value.names : []),
  );
  return {repositories, policy: new Policy(pins.value, native), config: config.value, native};
}

const directories = [
  'Dir',
  'Dir::State',
  'Dir::State::lists',
  'Dir::State::status',
  'Dir::Etc',
  'Dir::Etc::sourcelist',
  'Dir::Etc::sourceparts',
  'Dir::Etc::preferences',
  'Dir::Etc::preferencesparts',
];

/** The pin of APT::Default-Release comes before all that preferences say. */
async function readPins(host: Host, config: AptConfig): Promise<Look<Pin[]>> {
  const pins = await readPreferences(host);
  const release = config.find('APT::Default-Release');
  if (!pins.ok || release === null || release.value === '') return pins;
  const match = parseReleasePin(release.value);
  if (match === null)
    return {
      ok: false,
      code: 'unsupported',
      reason: `${release.where}: APT::Default-Release "${release.value}" uses an expression that reeve does not follow`,
    };
  return {ok: true, value: [{packages: null, match, priority: 990, where: release.where}, ...pins.value]};
}

function installedPackages({packages}: PackagesFact, native: string): Map<string, Installed> {
  const installed = new Map<string, Installed>();
  for (const fact of packages) {
    if (!isPresent(fact) || fact.version === '') continue;
    const architecture = fact.architecture === 'all' ? native : fact.architecture;
    const own: Listed = {
      version: fact.version,
      source: fact.source,
      sourceVersion: fact.sourceVersion,
      phasedPercentage: 100,
      files: [statusFile],
    };
    installed.set(`${fact.name}:${architecture}`, {fact, architecture, versions: new Map([[fact.version, own]])});
  }
  return installed;
}

/** An index that cannot be read is a problem of its repository, not of the others. */
async function readIndexes(
  host: Host,
  repositories: Repository[],
  installed: Map<string, Installed>,
  native: string,
): Promise<void> {
  const names = new NameSet([...installed.values()].map(({fact}) => fact.name));
  for (const repository of repositories) {
    for (const index of repository.indexes) {
      const read = await readIndex(host, index.path, names, index.sha256);
      if (!read.ok) repository.problems.push(read.reason);
      else for (const version of read.value) addVersion(installed, version, index, native);
    }
  }
}

function addVersion(installed: Map<string, Installed>, listed: ListedVersion, index: Index, native: string): void {
  const pkg = installed.get(`${listed.name}:${listed.architecture === 'all' ? native : listed.architecture}`);
  if (pkg === undefined) return;
  const {version, source, sourceVersion, phasedPercentage} = listed;
  const known = pkg.versions.get(version);
  if (known === undefined)
    pkg.versions.set(version, {version, source, sourceVersion, phasedPercentage, files: [index]});
  else {
    known.files.push(index);
    known.phasedPercentage = Math.min(known.phasedPercentage, phasedPercentage);
  }
}

type Phasing = {machineId: string; mode: 'always' | 'never' | 'die'};

const listing = (version: Listed): Index[] => version.files.filter((file): file is Index => !file.status);
const fromSecurity = (version: Listed) => listing(version).some(({repository}) => repository.security);

function judgePackage(pkg: Installed, policy: Policy<Index | StatusFile>, phasing: Phasing): PendingUpdate | null {
  const {fact, architecture} = pkg;
  const versions = [...pkg.versions.values()].sort((a, b) => compareVersions(a.version, b.version));
  const chosen = policy.candidate({name: fact.name, architecture, installed: fact.version, versions});
  const candidate =
    versions.find(({version}) => version === chosen?.version) ?? (pkg.versions.get(fact.version) as Listed);
  const newer = versions.filter(({version}) => compareVersions(version, fact.version) > 0);
  const upTo = newer.filter(({version}) => compareVersions(version, candidate.version) <= 0);
  const fixes = upTo.filter(fromSecurity);
  const pinnedAway = fixes.length === 0 ? newer.filter(fromSecurity) : [];
  const isUpgrade = compareVersions(candidate.version, fact.version) > 0;
  if (!isUpgrade && pinnedAway.length === 0) return null;
  const security = fixes.length > 0 ? fixes : pinnedAway;
  const oldest = security[0];
  return {
    package: fact.name,
    architecture: fact.architecture,
    installed: fact.version,
    candidate: candidate.version,
    origin: listing(candidate)[0]?.repository.name ?? 'installed',
    security: oldest !== undefined,
    securityVersion: security.at(-1)?.version ?? null,
    advisories: [],
    publishedAt: null,
    publishedBy: oldest === undefined ? null : publishedBy(newer, oldest),
    held: fact.held,
    pinned: pinnedAway.length > 0,
    phased: isUpgrade && fixes.length === 0 && isPhased(candidate, phasing),
    masked: fixes.length > 0 && !fromSecurity(candidate),
  };
}

/**
 * The Date of the oldest Release file that lists the fix, or something newer of the same vendor: by then it was
 * published.
 */
function publishedBy(newer: Listed[], fix: Listed): string | null {
  const vendor = listing(fix).find(({repository}) => repository.security)?.release?.origin;
  const dates = newer
    .filter(({version}) => compareVersions(version, fix.version) >= 0)
    .flatMap(version =>
      listing(version).flatMap(({release}) => (release?.origin === vendor ? (release?.dateMs ?? []) : [])),
    );
  return dates.length === 0 ? null : new Date(Math.min(...dates)).toISOString();
}

function isPhased({source, sourceVersion, phasedPercentage}: Listed, {machineId, mode}: Phasing): boolean {
  if (phasedPercentage >= 100 || mode === 'always') return false;
  if (mode === 'never') return true;
  return machineId !== '' && isPhasedAway({source, sourceVersion, percentage: phasedPercentage, machineId});
}

async function readMachineId(host: Host): Promise<string> {
  const file = await host.fs.readFile('/etc/machine-id', {maxBytes: 256});
  return file.ok ? (file.value.bytes.toString('latin1').split('\n')[0] as string) : '';
}

const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

/**
 * apt rewrites InRelease at every successful answer, even when nothing was new, which changes its inode's time; its
 * content's time is the server's. An image keeps only the latter.
 */
function describe(host: Host, {name, path, release, security}: Repository): UpdateSource {
  const fetched =
    release === null ? null : Math.max(release.modifiedMs, host.live ? release.changedMs : 0, release.dateMs ?? 0);
  return {
    name,
    where: path,
    security,
    releasedAt: iso(release?.dateMs ?? null),
    validUntil: iso(release?.validUntilMs ?? null),
    fetchedAt: iso(fetched),
  };
}

function summarise(sources: UpdateSource[]): UpdatesFact['metadata'] {
  const security = sources.filter(source => source.security);
  const oldest = (times: Array<string | null>) =>
    times.length === 0 || times.includes(null) ? null : (times.toSorted()[0] as string);
  return {
    sources,
    fetchedAt: oldest(security.map(({fetchedAt}) => fetchedAt)),
    releasedAt: oldest(security.map(({releasedAt}) => releasedAt)),
    validUntil:
      security
        .map(({validUntil}) => validUntil)
        .filter(time => time !== null)
        .toSorted()[0] ?? null,
  };
}

/** Why a count of security updates would be a guess. */
function securityProblems(repositories: Repository[], os: OsFact | null): string[] {
  const security = repositories.filter(repository => repository.security);
  if (security.length === 0) return ["no security repository of the vendor is configured in apt's sources"];
  const problems = security.flatMap(repository => repository.problems);
  const codename = os?.codename ?? '';
  const fits = ({release}: Repository) =>
    release === null ||
    [release.codename, release.suite].some(
      name => name === codename || name.startsWith(`${codename}-`) || name.startsWith(`${codename}/`),
    );
  if (problems.length === 0 && codename !== '' && !security.some(fits)) {
    problems.push(
      `the security repositories configured (${security.map(({name}) => name).join(', ')}) are not for this release, ${codename}`,
    );
  }
  return problems;
}
