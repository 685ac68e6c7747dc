import type {Host} from '../../host.ts';
import type {IndexFile} from './policy.ts';
import {isSecurity, type Release, readRelease} from './release.ts';
import type {AptSource} from './sources.ts';
import {packedEndings} from './unpack.ts';

export const listsDirectory = '/var/lib/apt/lists';

/** One repository's suite with what was fetched of it. */
export type Repository = {
  /** For people: `Debian-Security bookworm-security`. */
  name: string;
  /** The path of its Release file, or where it would be. */
  path: string;
  release: Release | null;
  security: boolean;
  indexes: Index[];
  /** Why what it offers is not fully known; empty when it is. */
  problems: string[];
  where: string;
};

export type Index = IndexFile & {release: Release | null; path: string; sha256: string | null; repository: Repository};

/** Finds what `apt-get update` left of each configured repository. Sources of one suite are joined. */
export async function findRepositories(
  host: Host,
  sources: AptSource[],
  architectures: string[],
  names: Set<string>,
): Promise<Repository[]> {
  const repositories = new Map<string, Repository>();
  for (const source of sources) {
    const base = baseUri(source);
    const key = listName(base);
    let repository = repositories.get(key);
    if (repository === undefined) {
      repository = await openRepository(host, source, key);
      repositories.set(key, repository);
    }
    addIndexes(repository, source, key, architectures, names);
  }
  return [...repositories.values()];
}

async function openRepository(host: Host, source: AptSource, key: string): Promise<Repository> {
  const base = `${listsDirectory}/${key}`;
  const read = await readRelease(host, base);
  const release = read.ok ? read.value : null;
  return {
    name: `${release?.label || release?.origin || siteOf(source.uri) || source.uri} ${source.suite}`.trim(),
    path: release?.path ?? `${base}InRelease`,
    release,
    security: release === null ? looksLikeSecurity(source) : isSecurity(release),
    indexes: [],
    problems: read.ok ? [] : [read.reason],
    where: source.where,
  };
}

/** A source whose Release file was not read can still be meant as one of security updates. */
const looksLikeSecurity = ({uri, suite}: AptSource) =>
  /security/.test(suite) || /^[a-z+]+:\/\/(security\.debian\.org|security\.ubuntu\.com|esm\.ubuntu\.com)\//.test(uri);

function addIndexes(
  repository: Repository,
  source: AptSource,
  key: string,
  architectures: string[],
  names: Set<string>,
): void {
  const flat = source.suite.endsWith('/');
  const {only, plus, minus} = source.architectures;
  const wanted = [...new Set([...(only ?? architectures), ...plus, 'all'])].filter(
    architecture => !minus.includes(architecture),
  );
  const parts = flat
    ? [{component: '', architecture: '', index: 'Packages'}]
    : source.components.flatMap(component =>
        wanted.map(architecture => ({component, architecture, index: `${component}/binary-${architecture}/Packages`})),
      );
  let found = 0;
  const missing: string[] = [];
  for (const {component, architecture, index} of parts) {
    const name = `${key}${quote(index)}`;
    const ending = packedEndings.find(candidate => names.has(name + candidate));
    const digest = repository.release?.digests.get(index);
    if (ending !== undefined) {
      found++;
      const path = `${listsDirectory}/${name}${ending}`;
      if (repository.indexes.some(known => known.path === path)) continue;
      const {release} = repository;
      repository.indexes.push({
        status: false,
        release,
        site: siteOf(source.uri),
        component,
        architecture,
        path,
        sha256: digest?.sha256 ?? null,
        repository,
      });
    } else if (digest !== undefined && digest.size > 0 && (architecture !== 'all' || wanted.length === 1))
      missing.push(index);
  }
  if (repository.release === null && found === 0) {
    if (repository.problems.length === 0) repository.problems.push(`the lists of ${source.where} were never fetched`);
  } else if (missing.length > 0)
    repository.problems.push(`${missing.join(', ')} of ${repository.name} was not fetched`);
}

function baseUri({uri, suite}: AptSource): string {
  if (suite === '/') return uri;
  return suite.endsWith('/') ? uri + suite : `${uri}dists/${suite}/`;
}

/** The name under which apt keeps what it fetched from a URI: without scheme, user, password and brackets, `/` as `_`. */
export function listName(uri: string): string {
  const rest = uri.replace(/^[a-z][a-z0-9+.-]*:(?:\/\/(?:[^/@]*@)?)?/i, '');
  return quote(rest.replace(/^\[([^\]]*)\]/, '$1'));
}

function quote(text: string): string {
  let name = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const character = String.fromCharCode(byte);
    if (byte <= 32 || byte >= 127 || '\\|{}[]<>"^~_=!@#$%^&*'.includes(character))
      name += `%${byte.toString(16).padStart(2, '0')}`;
    else name += character === '/' ? '_' : character;
  }
  return name;
}

/** The host of a URI without its port; empty for files. */
export function siteOf(uri: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\/(?:[^/@]*@)?(\[[^\]]*\]|[^/:]*)/i.exec(uri)?.[1]?.replace(/^\[|\]$/g, '') ?? '';
}
