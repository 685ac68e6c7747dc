import {type Answer, absent, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {PackageFact, PackagesFact} from '../../../../policies/facts/packages.ts';
import type {Host} from '../../host.ts';
import {failed, type Look, looked} from '../../look.ts';
import {parseSource, parseStanza, StanzaScanner} from './stanzas.ts';

export const dpkgStatus = '/var/lib/dpkg/status';
const statusParts = '/var/lib/dpkg/status.d';
const updates = '/var/lib/dpkg/updates';

/** Debian has some 70,000 packages in all; a stanza has about 3 KB. */
const maxStatusBytes = 256 * 1024 * 1024;
const maxPackages = 100_000;

/** One stanza of the database, with what the list of packages leaves out. */
export type DpkgStanza = PackageFact & {
  /** Path without the root's slash doubled → MD5 as dpkg shipped it; `obsolete` ones are left out. */
  conffiles: Map<string, string>;
  multiArch: string;
};

/**
 * The package database as dpkg(1) keeps it: status, or status.d of images without dpkg, and what an interrupted dpkg
 * left in updates. A damaged one is unseen with the place: half a list must never pass for the whole.
 */
export async function readDpkgPackages(host: Host): Promise<Answer<PackagesFact & {manager: 'dpkg'}>> {
  const stanzas = await readDatabase(host);
  if (!stanzas.ok) return stanzas.code === 'absent' ? absent(stanzas.reason, [dpkgStatus]) : unseen(stanzas.reason);
  const packages = stanzas.value.map(({conffiles: _, multiArch: __, ...fact}) => fact);
  return seen({manager: 'dpkg', nativeArchitecture: nativeArchitecture(packages), packages}, [dpkgStatus]);
}

/** dpkg is built for one architecture and does not write it down, so its own package tells, else most of the others. */
function nativeArchitecture(packages: PackageFact[]): string | null {
  const dpkg = packages.find(({name, installed}) => name === 'dpkg' && installed);
  if (dpkg !== undefined) return dpkg.architecture;
  const special = packages.filter(({architecture}) => architecture !== 'all' && architecture !== '');
  const counts = [...Map.groupBy(special, ({architecture}) => architecture)].sort(
    ([, a], [, b]) => b.length - a.length,
  );
  return counts[0]?.[0] ?? null;
}

export async function readDatabase(host: Host): Promise<Look<DpkgStanza[]>> {
  const found = new Map<string, DpkgStanza>();
  const keep = (stanza: DpkgStanza) => {
    found.set(`${stanza.name}:${stanza.architecture}`, stanza);
    if (found.size > maxPackages) throw new Error(`it is damaged: it holds more than ${maxPackages} packages`);
  };
  const status = await readStanzas(host, dpkgStatus, true, keep);
  if (!status.ok && status.code !== 'absent') return status;
  const parts = await readParts(host, keep);
  if (!parts.ok) return parts;
  if (!status.ok && !parts.value)
    return (await lostPackages(host, found)) ?? failed('absent', `${dpkgStatus} does not exist`);
  if (status.ok && !status.value.endsWithBlank) {
    const lost = await lostPackages(host, found);
    if (lost !== null) return lost;
  }
  const journal = await readJournal(host, keep);
  return journal.ok ? looked([...found.values()]) : journal;
}

/** Files of status.d: one package each, always installed. True when there was one. */
async function readParts(host: Host, keep: (stanza: DpkgStanza) => void): Promise<Look<boolean>> {
  const list = await host.fs.list(statusParts);
  if (!list.ok) return list.code === 'absent' ? looked(false) : list;
  const names = list.value.names.filter(name => !name.endsWith('.md5sums')).sort();
  for (const name of names) {
    const read = await readStanzas(host, `${statusParts}/${name}`, false, keep);
    if (!read.ok) return read;
  }
  return looked(names.length > 0);
}

/** dpkg writes changes to numbered files first; those that an interruption left count after status, in order. */
async function readJournal(host: Host, keep: (stanza: DpkgStanza) => void): Promise<Look<null>> {
  const list = await host.fs.list(updates);
  if (!list.ok) return list.code === 'absent' ? looked(null) : list;
  for (const name of list.value.names.filter(entry => /^\d+$/.test(entry)).sort()) {
    const read = await readStanzas(host, `${updates}/${name}`, true, keep);
    if (!read.ok) return read;
  }
  return looked(null);
}

/** A database that lost packages still has their file lists. Null when nothing is lost. */
async function lostPackages(host: Host, found: Map<string, DpkgStanza>): Promise<Look<never> | null> {
  const list = await host.fs.list('/var/lib/dpkg/info', {max: 1_000_000});
  if (!list.ok) return list.code === 'absent' ? null : list;
  const known = new Set([...found.values()].map(({name}) => name));
  const lost = list.value.names
    .filter(name => name.endsWith('.list'))
    .map(name => name.slice(0, -5).split(':')[0] as string)
    .filter(name => !known.has(name));
  if (lost.length === 0) return null;
  return failed(
    'io',
    `cannot trust ${dpkgStatus}: it is damaged, ${lost.length} packages that /var/lib/dpkg/info has files of are not in it, such as ${lost.sort()[0]}`,
  );
}

async function readStanzas(
  host: Host,
  path: string,
  withStatus: boolean,
  keep: (stanza: DpkgStanza) => void,
): Promise<Look<{endsWithBlank: boolean}>> {
  let tail = '';
  const scanner = new StanzaScanner((bytes, start, end, position) => {
    if (bytes.subarray(start, end).includes(0))
      throw new Error(`it is damaged: there are NUL bytes after byte ${position}`);
    keep(readStanza(bytes.toString('utf8', start, end), position, withStatus));
  });
  const read = await host.fs.readChunks(
    path,
    chunk => {
      scanner.push(chunk);
      tail = (tail + chunk.toString('latin1', Math.max(0, chunk.length - 2))).slice(-2);
    },
    {maxBytes: maxStatusBytes},
  );
  if (!read.ok) return read;
  if (read.value.truncated)
    return failed('io', `cannot read all of ${path}: it is larger than ${maxStatusBytes} bytes`);
  try {
    scanner.end();
  } catch (error) {
    return failed('io', `cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (tail !== '' && !tail.endsWith('\n'))
    return failed('io', `cannot trust ${path}: it is damaged, its last line is cut off`);
  return looked({endsWithBlank: tail === '\n\n'});
}

function readStanza(text: string, position: number, withStatus: boolean): DpkgStanza {
  const fields = parseStanza(text);
  const name = fields?.get('package');
  if (fields === null || name === undefined || !/^[A-Za-z0-9][A-Za-z0-9+.-]*$/.test(name))
    throw new Error(`it is damaged: the stanza at byte ${position} names no package`);
  const status = withStatus ? fields.get('status') : 'install ok installed';
  if (status === undefined || !/^[a-z]+ [a-z]+ [a-z-]+$/.test(status))
    throw new Error(`it is damaged: ${name} at byte ${position} has no status`);
  const [selection, error, state] = status.split(' ');
  const version = fields.get('version') ?? '';
  const architecture = fields.get('architecture') ?? '';
  if ((version === '' || architecture === '') && state !== 'not-installed' && state !== 'config-files')
    throw new Error(`it is damaged: ${name} at byte ${position} has no version or architecture`);
  return {
    name,
    version,
    architecture,
    status,
    installed: error === 'ok' && state === 'installed',
    held: selection === 'hold',
    ...parseSource(fields.get('source'), name, version),
    conffiles: parseConffiles(fields.get('conffiles') ?? ''),
    multiArch: fields.get('multi-arch') ?? 'no',
  };
}

/** `path md5 [obsolete] [remove-on-upgrade]`, one a line; the path may hold blanks. */
function parseConffiles(list: string): Map<string, string> {
  const conffiles = new Map<string, string>();
  for (const line of list.split('\n')) {
    const match = /^\s*(\/.*?) ([0-9a-f]{32}|newconffile)((?: (?:obsolete|remove-on-upgrade))*)$/.exec(line);
    if (match !== null && match[3] === '') conffiles.set(match[1] as string, match[2] as string);
  }
  return conffiles;
}
