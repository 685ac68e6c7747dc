import {type Answer, absent, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {PendingUpdate, UpdateSource, UpdatesFact} from '../../../../policies/facts/patch.ts';
import {compareRpmVersions, splitRpmVersion} from '../../../../policies/rpm-version.ts';
import type {Host} from '../../host.ts';
import {type CachedRepository, readCachedRepositories} from './cache.ts';
import type {RpmPackage} from './packages.ts';
import type {OfferedPackage} from './primary.ts';
import {readDnfConfiguration} from './repositories.ts';
import type {AdvisoryPackage} from './updateinfo.ts';

type Offer = OfferedPackage & {repository: string; priority: number; hasAdvisories: boolean};

/** dnf refreshes every 48 hours by itself; metadata that is older than this says nothing of today. */
const maxMetadataDays = 14;

/** What the repositories offer over `packages`, by the metadata that dnf has cached. Nothing is fetched or refreshed. */
export async function readDnfUpdates(host: Host, packages: readonly RpmPackage[]): Promise<Answer<UpdatesFact>> {
  const configuration = await readDnfConfiguration(host);
  if (configuration === null)
    return absent('there is no configuration of dnf or yum, and reeve reads no other manager of rpm packages');
  if ('reason' in configuration) return unseen(configuration.reason);
  const installed = newestInstalled(packages);
  const names = new Set([...installed.values()].map(({name}) => name));
  const repositories = await readCachedRepositories(host, configuration, names);
  const fact: UpdatesFact = {
    manager: 'dnf',
    metadata: metadataOf(repositories),
    pending: [],
    securityUnknown: [],
    notes: [],
  };
  if (repositories.length === 0) fact.securityUnknown.push('no repository is enabled');
  for (const entry of repositories) {
    const reason = whyUnknown(entry, host.now());
    if (reason !== null) fact.securityUnknown.push(reason);
  }
  addPending(fact, installed, repositories);
  const disabled = configuration.repositories.filter(({enabled}) => !enabled).map(({id}) => id);
  if (disabled.length > 0) fact.notes.push(`repositories that are not enabled were left out: ${some(disabled)}`);
  return seen(fact, [...configuration.read, ...repositories.flatMap(({repomd}) => repomd?.path ?? [])]);
}

function whyUnknown({repository, unseen: reason, advisories, repomd}: CachedRepository, now: number): string | null {
  if (reason !== null) return reason;
  if (advisories !== null && 'reason' in advisories) return advisories.reason;
  const days = repomd === null ? 0 : Math.floor((now - repomd.fetchedMs) / 86_400_000);
  if (days <= maxMetadataDays) return null;
  return `the metadata of repository "${repository.id}" was fetched ${days} days ago: run "dnf makecache"`;
}

/** Of packages that may be installed side by side, kernels above all, the newest is the one that updates are measured by. */
function newestInstalled(packages: readonly RpmPackage[]): Map<string, RpmPackage> {
  const newest = new Map<string, RpmPackage>();
  for (const entry of packages) {
    const key = `${entry.name}.${entry.architecture}`;
    const other = newest.get(key);
    if (other === undefined || compareRpmVersions(other.version, entry.version) < 0) newest.set(key, entry);
  }
  return newest;
}

function metadataOf(repositories: CachedRepository[]): UpdatesFact['metadata'] {
  const sources = repositories.map(
    ({repository, repomd, advisories}): UpdateSource => ({
      name: repository.id,
      where: repomd?.path ?? repository.where,
      security: advisories !== null,
      releasedAt: isoOrNull(repomd?.releasedMs ?? null),
      validUntil: null,
      fetchedAt: isoOrNull(repomd?.fetchedMs ?? null),
    }),
  );
  const oldest = (times: Array<string | null>) =>
    times.length === 0 || times.includes(null) ? null : (times.sort()[0] as string);
  return {
    sources,
    fetchedAt: oldest(sources.map(({fetchedAt}) => fetchedAt)),
    releasedAt: oldest(sources.filter(({security}) => security).map(({releasedAt}) => releasedAt)),
    validUntil: null,
  };
}

const isoOrNull = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

function addPending(fact: UpdatesFact, installed: Map<string, RpmPackage>, repositories: CachedRepository[]): void {
  const offers = Map.groupBy(offersOf(repositories), ({name}) => name);
  const advised = Map.groupBy(
    repositories.flatMap(({advisories}) => (Array.isArray(advisories) ? advisories : [])),
    ({name}) => name,
  );
  const modules = moduleIndex(repositories);
  const unadvised = new Map<string, string[]>();
  let beyond = 0;
  for (const entry of installed.values()) {
    const newer = newerOffers(entry, offers.get(entry.name) ?? [], modules);
    const security = (advised.get(entry.name) ?? []).filter(advisory => advisory.security && concerns(entry, advisory));
    const candidate = highest(newer);
    if (candidate === null) {
      beyond += security.length;
      continue;
    }
    const within = security.filter(({version}) => compareRpmVersions(version, candidate.version) <= 0);
    beyond += security.length - within.length;
    fact.pending.push(pendingUpdate(entry, candidate, within));
    if (within.length > 0) continue;
    for (const {repository, hasAdvisories} of newer) {
      if (!hasAdvisories) unadvised.set(repository, [...(unadvised.get(repository) ?? []), entry.name]);
    }
  }
  fact.pending.sort((a, b) => compareText(a.package, b.package) || compareText(a.architecture, b.architecture));
  for (const [repository, names] of unadvised) {
    fact.securityUnknown.push(
      `repository "${repository}" publishes no advisories, and offers newer packages: ${some([...new Set(names)])}`,
    );
  }
  if (beyond > 0) fact.notes.push(`${beyond} security advisories name versions that no enabled repository offers`);
}

function offersOf(repositories: CachedRepository[]): Offer[] {
  return repositories.flatMap(({repository, offered, advisories}) => {
    const given = repository.options.get('priority')?.value ?? '';
    const priority = /^\d{1,6}$/.test(given) ? Number(given) : 99;
    return offered.map(offer => ({...offer, repository: repository.id, priority, hasAdvisories: advisories !== null}));
  });
}

/** A repository of better priority hides what the others offer under the same name, newer or not: dnf.conf(5). */
function newerOffers(installed: RpmPackage, offers: Offer[], modules: Map<string, Set<string>>): Offer[] {
  const fitting = offers.filter(
    offer =>
      sameArchitecture(installed.architecture, offer.architecture) &&
      sameModule(installed, modules.get(artifactName(offer)) ?? null),
  );
  const best = fitting.reduce((lowest, {priority}) => Math.min(lowest, priority), Number.POSITIVE_INFINITY);
  return fitting.filter(
    ({priority, version}) => priority === best && compareRpmVersions(version, installed.version) > 0,
  );
}

/** A package of a module is updated within its stream alone, and another never by one of a module. */
function sameModule({module}: RpmPackage, streams: Set<string> | null): boolean {
  return module === null ? streams === null : (streams?.has(module) ?? false);
}

function moduleIndex(repositories: CachedRepository[]): Map<string, Set<string>> {
  const index = new Map<string, Set<string>>();
  for (const {modules} of repositories) {
    for (const [artifact, streams] of modules) index.set(artifact, streams.union(index.get(artifact) ?? new Set()));
  }
  return index;
}

function artifactName({name, version, architecture}: OfferedPackage): string {
  const {epoch, version: plain, release} = splitRpmVersion(version);
  return `${name}-${epoch}:${plain}-${release}.${architecture}`;
}

function concerns(installed: RpmPackage, {architecture, module, version}: AdvisoryPackage): boolean {
  return (
    module === installed.module &&
    sameArchitecture(installed.architecture, architecture) &&
    compareRpmVersions(version, installed.version) > 0
  );
}

/** rpm may turn a package of an architecture into one of none, and back. */
const sameArchitecture = (a: string, b: string) => a === b || a === 'noarch' || b === 'noarch';

function highest<T extends {version: string}>(entries: T[]): T | null {
  return entries.reduce<T | null>(
    (best, entry) => (best === null || compareRpmVersions(entry.version, best.version) > 0 ? entry : best),
    null,
  );
}

function pendingUpdate(installed: RpmPackage, candidate: Offer, security: AdvisoryPackage[]): PendingUpdate {
  const issued = security.flatMap(({issuedMs}) => issuedMs ?? []);
  const publishedAt = issued.length === 0 ? null : isoOrNull(Math.min(...issued));
  return {
    package: installed.name,
    architecture: installed.architecture,
    installed: installed.version,
    candidate: candidate.version,
    origin: candidate.repository,
    security: security.length > 0,
    securityVersion: highest(security)?.version ?? null,
    advisories: [...new Set(security.map(({advisory}) => advisory))].sort(),
    publishedAt,
    publishedBy: publishedAt,
    held: installed.held,
    pinned: false,
    phased: false,
    masked: security.length > 0 && !security.some(({version}) => compareRpmVersions(version, candidate.version) === 0),
  };
}

const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

const some = (names: string[]) =>
  `${names.slice(0, 10).join(', ')}${names.length > 10 ? ` and ${names.length - 10} more` : ''}`;
