import {createHash} from 'node:crypto';
import {type Answer, absent, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {PackageFilesFact} from '../../../../policies/facts/packages.ts';
import {isPresent} from '../../../../policies/package-state.ts';
import type {Host} from '../../host.ts';
import {failed, type Look, looked} from '../../look.ts';
import {decodeName} from '../../names.ts';
import {type Placement, readPlacement} from './placement.ts';
import {type DpkgStanza, readDatabase} from './status.ts';

const infoDirectory = '/var/lib/dpkg/info';
const partsDirectory = '/var/lib/dpkg/status.d';
const maxListBytes = 64 * 1024 * 1024;

/** Content read for one package: the largest have a few GB. */
const maxContentBytes = 4 * 1024 * 1024 * 1024;

/**
 * Compares packages' files with the digests that dpkg keeps of them, one answer a name. A package that is installed for
 * several architectures is judged together. Files that were diverted are looked for where they went, and files that
 * dpkg was told not to unpack are not missed.
 */
export async function collectDpkgPackageFiles(
  host: Host,
  names: readonly string[],
): Promise<Array<Answer<PackageFilesFact>>> {
  const database = await readDatabase(host);
  if (!database.ok)
    return names.map(() => (database.code === 'absent' ? absent(database.reason) : unseen(database.reason)));
  const placement = await readPlacement(host);
  if (!placement.ok) return names.map(() => unseen(placement.reason));
  const answers: Array<Answer<PackageFilesFact>> = [];
  for (const name of names) {
    const stanzas = database.value.filter(stanza => stanza.name === name && isPresent(stanza));
    answers.push(await verify(host, name, stanzas, placement.value));
  }
  return answers;
}

async function verify(
  host: Host,
  name: string,
  stanzas: DpkgStanza[],
  placement: Placement,
): Promise<Answer<PackageFilesFact>> {
  const [first] = stanzas;
  if (first === undefined) return absent(`${name} is not installed`, ['/var/lib/dpkg/status']);
  const fact: PackageFilesFact = {
    package: name,
    version: first.version,
    checked: 0,
    notes: ['dpkg keeps digests of files only: modes, owners, links and directories were not compared'],
    changed: [],
    configurationChanged: [],
    unreadable: [],
  };
  const where: string[] = [];
  for (const stanza of stanzas) {
    const digests = await readDigests(host, stanza);
    if (!digests.ok) return unseen(digests.reason);
    where.push(digests.value.path);
    const done = await compareFiles(host, stanza, digests.value.files, placement, fact);
    if (done !== null) return unseen(done);
  }
  return seen(fact, where);
}

type Digests = {path: string; files: Array<{path: string; md5: string}>};

/** The md5sums file; a package without one has no digests, which only matters when it has files. */
async function readDigests(host: Host, stanza: DpkgStanza): Promise<Look<Digests>> {
  const {name, architecture} = stanza;
  for (const base of [
    `${infoDirectory}/${name}:${architecture}`,
    `${infoDirectory}/${name}`,
    `${partsDirectory}/${name}`,
  ]) {
    const path = `${base}.md5sums`;
    const file = await readAll(host, path);
    if (file.ok) return parseDigests(path, file.value);
    if (file.code !== 'absent') return file;
    const list = await readAll(host, `${base}.list`);
    if (!list.ok && list.code !== 'absent') return list;
    if (list.ok) return withoutDigests(host, `${base}.list`, list.value, stanza);
  }
  return failed('io', `cannot verify ${name}: dpkg has no list of its files`);
}

async function readAll(host: Host, path: string): Promise<Look<Buffer>> {
  const file = await host.fs.readFile(path, {maxBytes: maxListBytes});
  if (!file.ok) return file;
  return file.value.truncated ? failed('io', `cannot read all of ${path}: it is too large`) : looked(file.value.bytes);
}

/** `digest  path`, the path without its leading slash; names are bytes. */
function parseDigests(path: string, bytes: Buffer): Look<Digests> {
  const files: Digests['files'] = [];
  let start = 0;
  for (let line = 1; start < bytes.length; line++) {
    const newline = bytes.indexOf(10, start);
    const end = newline < 0 ? bytes.length : newline;
    const md5 = bytes.toString('latin1', start, start + 32);
    const name = decodeName(bytes.subarray(start + 34, end)).replace(/^(?:\.?\/)+/, '');
    if (end > start) {
      if (newline < 0 || !/^[0-9a-f]{32}$/.test(md5) || name === '' || name.includes('\0'))
        return failed('io', `cannot trust ${path}: it is damaged at line ${line}`);
      files.push({path: `/${name}`, md5});
    }
    start = end + 1;
  }
  return looked({path, files});
}

/** Packages of directories, links and configuration files alone have no digests, and need none. */
async function withoutDigests(
  host: Host,
  path: string,
  list: Buffer,
  {name, conffiles}: DpkgStanza,
): Promise<Look<Digests>> {
  for (const entry of decodeName(list).split('\n')) {
    if (entry === '' || conffiles.has(entry)) continue;
    const stat = await host.fs.lstat(entry);
    if (stat.ok && stat.value.type === 'file')
      return failed('unsupported', `cannot verify ${name}: it came without digests of its files, such as ${entry}`);
    if (!stat.ok && stat.code !== 'absent') return stat;
  }
  return looked({path, files: []});
}

/** Adds to `fact`; a text says why the package cannot be judged at all. */
async function compareFiles(
  host: Host,
  stanza: DpkgStanza,
  files: Digests['files'],
  placement: Placement,
  fact: PackageFilesFact,
): Promise<string | null> {
  const budget = {bytes: maxContentBytes};
  let excluded = 0;
  for (const {path, md5} of files) {
    const place = placement.placeOf(path, stanza.name);
    const actual = await digestOf(host, place, budget);
    if (actual.state === 'absent' && placement.isExcluded(path)) {
      excluded++;
      continue;
    }
    fact.checked++;
    if (actual.state === 'absent')
      fact.changed.push({path: place, what: 'missing', expected: 'there', actual: 'missing'});
    else if (actual.state === 'unreadable') fact.unreadable.push({path: place, reason: actual.reason});
    else if (actual.state === 'type')
      fact.changed.push({path: place, what: 'type', expected: 'file', actual: actual.type});
    else if (actual.md5 !== md5)
      fact.changed.push({path: place, what: 'content', expected: `MD5 ${md5}`, actual: `MD5 ${actual.md5}`});
  }
  for (const [path, md5] of stanza.conffiles) {
    const actual = await digestOf(host, placement.placeOf(path, stanza.name), budget);
    if (actual.state === 'unreadable') fact.unreadable.push({path, reason: actual.reason});
    else if (md5 !== 'newconffile' && (actual.state !== 'content' || actual.md5 !== md5))
      fact.configurationChanged.push(path);
  }
  if (excluded > 0) fact.notes.push(`${excluded} files were left out when unpacking, as dpkg.cfg says (path-exclude)`);
  return null;
}

type Digested =
  | {state: 'content'; md5: string}
  | {state: 'absent'}
  | {state: 'type'; type: string}
  | {state: 'unreadable'; reason: string};

async function digestOf(host: Host, path: string, budget: {bytes: number}): Promise<Digested> {
  const stat = await host.fs.lstat(path);
  if (!stat.ok) return stat.code === 'absent' ? {state: 'absent'} : {state: 'unreadable', reason: stat.reason};
  if (stat.value.type !== 'file') return {state: 'type', type: stat.value.type};
  if (stat.value.size > budget.bytes)
    return {
      state: 'unreadable',
      reason: `cannot read ${path}: the package's files have more than ${maxContentBytes} bytes`,
    };
  const hash = createHash('md5');
  const read = await host.fs.readChunks(path, chunk => void hash.update(chunk), {maxBytes: budget.bytes});
  if (!read.ok) return {state: 'unreadable', reason: read.reason};
  budget.bytes -= read.value.size;
  return {state: 'content', md5: hash.digest('hex')};
}
