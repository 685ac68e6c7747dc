import type {Host} from '../../host.ts';
import {ModuleLines} from './modules.ts';
import {type OfferedPackage, PrimaryHandler} from './primary.ts';
import {type RepodataFile, type Repomd, readPieces, readRepodata, readRepomd} from './repodata.ts';
import type {DnfConfiguration, DnfRepository} from './repositories.ts';
import {type AdvisoryPackage, UpdateinfoHandler} from './updateinfo.ts';

/** What the cache holds of one enabled repository. */
export type CachedRepository = {
  repository: DnfRepository;
  repomd: Repomd | null;
  /** Why it is not known what the repository offers; null when it is. */
  unseen: string | null;
  offered: OfferedPackage[];
  /** Null when the repository publishes no advisories; a reason when they could not be read. */
  advisories: AdvisoryPackage[] | {reason: string} | null;
  /** `name-epoch:version-release.arch` → `module:stream`s, for the packages of modules. */
  modules: Map<string, Set<string>>;
};

const defaultCaches = ['/var/cache/libdnf5', '/var/cache/dnf'];

/** Reads the cached metadata of every enabled repository as far as it speaks of the packages that `wanted` names. */
export async function readCachedRepositories(
  host: Host,
  configuration: DnfConfiguration,
  wanted: {has(name: string): boolean},
): Promise<CachedRepository[]> {
  const own = ['system_cachedir', 'cachedir'].flatMap(key => configuration.main.get(key)?.value ?? []);
  const caches: Array<{path: string; names: string[]}> = [];
  const problems: string[] = [];
  for (const path of new Set([...own, ...defaultCaches])) {
    const list = await host.fs.list(path, {max: 10_000});
    if (list.ok) caches.push({path, names: list.value.names});
    else if (list.code !== 'absent') problems.push(list.reason);
  }
  const cached: CachedRepository[] = [];
  for (const repository of configuration.repositories.filter(({enabled}) => enabled)) {
    const result: CachedRepository = {
      repository,
      repomd: null,
      unseen: null,
      offered: [],
      advisories: null,
      modules: new Map(),
    };
    const found = await newestRepomd(host, caches, repository.id);
    if ('reason' in found) result.unseen = problems[0] ?? found.reason;
    else await readRepository(host, result, found, wanted);
    cached.push(result);
  }
  return cached;
}

/** The folder is named by the id and a digest of the addresses, so that several may be there after a change of those. */
async function newestRepomd(
  host: Host,
  caches: Array<{path: string; names: string[]}>,
  id: string,
): Promise<Repomd | {reason: string}> {
  let newest: Repomd | null = null;
  let problem = `the metadata of repository "${id}" was never fetched: run "dnf makecache"`;
  for (const {path, names} of caches) {
    for (const name of names.filter(
      entry => entry.startsWith(`${id}-`) && /^[0-9a-f]{16}$/.test(entry.slice(id.length + 1)),
    )) {
      const repomd = await readRepomd(host, `${path}/${name}`);
      if (repomd.ok && (newest === null || repomd.value.fetchedMs > newest.fetchedMs)) newest = repomd.value;
      if (!repomd.ok && repomd.code !== 'absent') problem = repomd.reason;
    }
  }
  return newest ?? {reason: problem};
}

async function readRepository(
  host: Host,
  result: CachedRepository,
  repomd: Repomd,
  wanted: {has(name: string): boolean},
): Promise<void> {
  const {id} = result.repository;
  result.repomd = repomd;
  const primaryFile = await pick(host, repomd, 'primary');
  if (primaryFile === null || 'reason' in primaryFile) {
    result.unseen = primaryFile?.reason ?? `cannot read ${repomd.path}: it names no list of packages`;
    return;
  }
  const primary = new PrimaryHandler(wanted);
  const packages = await readRepodata(host, primaryFile, primary);
  if (!packages.ok) {
    result.unseen = `repository "${id}": ${packages.reason}`;
    return;
  }
  result.offered = primary.offered;
  result.advisories = await readAdvisories(host, repomd, wanted);
  const moduleFile = await pick(host, repomd, 'modules');
  if (moduleFile === null) return;
  const lines = new ModuleLines(wanted);
  const modules =
    'reason' in moduleFile
      ? {ok: false as const, reason: moduleFile.reason}
      : await readPieces(host, moduleFile, text => lines.write(text));
  if (modules.ok) lines.end();
  else result.unseen = `repository "${id}": ${modules.reason}`;
  result.modules = lines.artifacts;
}

async function readAdvisories(
  host: Host,
  repomd: Repomd,
  wanted: {has(name: string): boolean},
): Promise<CachedRepository['advisories']> {
  const file = await pick(host, repomd, 'updateinfo');
  if (file === null || 'reason' in file) return file;
  const handler = new UpdateinfoHandler(wanted);
  const read = await readRepodata(host, file, handler);
  return read.ok ? handler.packages : {reason: read.reason};
}

/** The file of that type in a form that reeve reads; null when the repository publishes none. */
async function pick(host: Host, repomd: Repomd, type: string): Promise<RepodataFile | {reason: string} | null> {
  const plain = repomd.files.get(type);
  if (plain !== undefined) {
    const stat = await host.fs.stat(plain.path);
    if (stat.ok) return plain;
    if (stat.code !== 'absent') return {reason: stat.reason};
  }
  const chunked = repomd.files.get(`${type}_zck`);
  if (chunked !== undefined && (await host.fs.stat(chunked.path)).ok) {
    return {reason: `cannot read ${chunked.path}: reeve does not unpack zchunk files; set "zchunk=False" in dnf.conf`};
  }
  if (plain === undefined && chunked === undefined) return null;
  return {reason: `${repomd.path} names a file "${type}" that was not fetched: run "dnf makecache"`};
}
