import {createHash} from 'node:crypto';
import {type Answer, absent, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {FileType} from '../../../../policies/facts/file.ts';
import type {PackageFilesFact} from '../../../../policies/facts/packages.ts';
import type {Host, HostStat} from '../../host.ts';
import {HostTables, type NameTables} from '../tables.ts';
import {findRpmDatabase, readRpmHeaders} from './database.ts';
import {type RpmHeader, rpmTag} from './header.ts';

type PackagedFile = {
  path: string;
  mode: number;
  user: string;
  group: string;
  digest: string;
  link: string;
  flags: number;
  verify: number;
  state: number;
};
type Packaged = {version: string; algorithm: string | null; files: PackagedFile[]};

const fileFlag = {config: 1, missingOk: 8, ghost: 64};
const verifyFlag = {digest: 1, link: 4, user: 8, group: 16, mode: 64};
/** rpm's own algorithm numbers, of OpenPGP; without the tag it was MD5. */
const algorithms = new Map([
  [1, 'md5'],
  [2, 'sha1'],
  [8, 'sha256'],
  [9, 'sha384'],
  [10, 'sha512'],
  [11, 'sha224'],
]);
const maxFileBytes = 256 * 1024 * 1024;

/**
 * Compares packages' files with the rpm database as `rpm -V` does: type, mode, owner, link target and digest, each
 * only where the package asks for it, and without size and time, which the digest covers. Configuration files that
 * differ in any way, or are gone, stand apart. One answer a name; a name with several versions installed (kernels) is judged together.
 */
export async function collectRpmPackageFiles(
  host: Host,
  names: readonly string[],
): Promise<Array<Answer<PackageFilesFact>>> {
  const database = await findRpmDatabase(host);
  if (database.state !== 'seen') return names.map(() => database);
  const {path, format} = database.value;
  if (format !== 'sqlite')
    return names.map(() =>
      unseen(`cannot read ${path}: reeve does not read files' digests from rpm's ${format} format`),
    );
  const packages = new Map(names.map(name => [name, [] as Array<Packaged | {damaged: string}>]));
  const look = await readRpmHeaders(host, path, header =>
    packages.get(header.text(rpmTag.name) ?? '')?.push(packagedFiles(header)),
  );
  if (!look.ok) return names.map(() => unseen(look.reason));
  const tables = await new HostTables(host).names();
  const facts: Array<Answer<PackageFilesFact>> = [];
  for (const name of names) {
    const found = packages.get(name) ?? [];
    const damaged = found.find(entry => 'damaged' in entry);
    if (found.length === 0) facts.push(absent(`${name} is not installed`, [path]));
    else if (damaged !== undefined)
      facts.push(unseen(`cannot read ${path}: it is damaged, ${name}: ${damaged.damaged}`));
    else facts.push(seen(await compare(host, tables, name, found as Packaged[]), [path]));
  }
  return facts;
}

/** The file list, checked to be whole: arrays of different lengths would leave files unjudged. */
function packagedFiles(header: RpmHeader): Packaged | {damaged: string} {
  const names = header.texts(rpmTag.baseNames);
  const directories = header.texts(rpmTag.dirNames);
  const lists = {
    dirIndexes: header.numbers(rpmTag.dirIndexes),
    modes: header.numbers(rpmTag.fileModes),
    flags: header.numbers(rpmTag.fileFlags),
    users: header.texts(rpmTag.fileUsers),
    groups: header.texts(rpmTag.fileGroups),
    digests: header.texts(rpmTag.fileDigests),
    links: header.texts(rpmTag.fileLinks),
  };
  for (const [what, list] of Object.entries(lists)) {
    if (list.length !== names.length) return {damaged: `it has ${names.length} files and ${list.length} ${what}`};
  }
  const verify = header.numbers(rpmTag.fileVerifyFlags);
  const states = header.numbers(rpmTag.fileStates);
  const files: PackagedFile[] = [];
  for (const [index, name] of names.entries()) {
    const directory = directories[lists.dirIndexes[index] as number];
    if (directory === undefined || !directory.startsWith('/')) return {damaged: 'a file has no directory'};
    files.push({
      path: directory + name,
      mode: lists.modes[index] as number,
      user: lists.users[index] as string,
      group: lists.groups[index] as string,
      digest: lists.digests[index] as string,
      link: lists.links[index] as string,
      flags: lists.flags[index] as number,
      verify: verify[index] ?? 0xffffffff,
      state: states[index] ?? 0,
    });
  }
  const epoch = header.numbers(rpmTag.epoch)[0] ?? 0;
  const version = `${epoch === 0 ? '' : `${epoch}:`}${header.text(rpmTag.version)}-${header.text(rpmTag.release)}`;
  const algorithm = algorithms.get(header.numbers(rpmTag.fileDigestAlgorithm)[0] ?? 1) ?? null;
  return {version, algorithm, files};
}

type Change = PackageFilesFact['changed'][number];

async function compare(host: Host, tables: NameTables, name: string, found: Packaged[]): Promise<PackageFilesFact> {
  const fact: PackageFilesFact = {
    package: name,
    version: found.map(({version}) => version).join(', '),
    checked: 0,
    notes: [],
    changed: [],
    configurationChanged: [],
    unreadable: [],
  };
  const notInstalled = found.flatMap(({files}) => files).filter(({state}) => state === 2).length;
  if (notInstalled > 0)
    fact.notes.push(`${notInstalled} files were left out at installation (documentation or languages)`);
  for (const {files, algorithm} of found) {
    for (const file of files.filter(({state}) => state === 0 || state === 1)) {
      const result = await compareFile(host, tables, file, algorithm);
      if ('reason' in result) {
        fact.unreadable.push({path: file.path, reason: result.reason});
        continue;
      }
      fact.checked++;
      if ((file.flags & fileFlag.config) === 0) fact.changed.push(...result.changes);
      else if (result.changes.length > 0) fact.configurationChanged.push(file.path);
    }
  }
  return fact;
}

async function compareFile(
  host: Host,
  tables: NameTables,
  file: PackagedFile,
  algorithm: string | null,
): Promise<{changes: Change[]} | {reason: string}> {
  const {path, flags, verify} = file;
  const stat = await host.fs.lstat(path);
  if (!stat.ok && stat.code !== 'absent') return {reason: stat.reason};
  if (!stat.ok) {
    const mayMiss = (flags & (fileFlag.missingOk | fileFlag.ghost)) !== 0;
    return {changes: mayMiss ? [] : [{path, what: 'missing', expected: 'present', actual: 'missing'}]};
  }
  // Another package has replaced it: rpm then only demands that it is there.
  if (file.state === 1) return {changes: []};
  const changes = compareStat(file, stat.value, tables);
  if (changes.some(({what}) => what === 'type') || (flags & fileFlag.ghost) !== 0) return {changes};
  if (stat.value.type === 'link' && (verify & verifyFlag.link) !== 0) {
    const target = await host.fs.readLink(path);
    if (!target.ok) return {reason: target.reason};
    if (target.value !== file.link)
      changes.push({path, what: 'content', expected: `link to ${file.link}`, actual: `link to ${target.value}`});
  }
  if (stat.value.type === 'file' && (verify & verifyFlag.digest) !== 0 && file.digest !== '') {
    if (algorithm === null) return {reason: `cannot verify ${path}: its digest is of a kind that reeve does not know`};
    const digest = await digestOf(host, path, algorithm);
    if ('reason' in digest) return digest;
    if (digest.hex !== file.digest.toLowerCase())
      changes.push({
        path,
        what: 'content',
        expected: `${algorithm} ${file.digest}`,
        actual: `${algorithm} ${digest.hex}`,
      });
  }
  return {changes};
}

async function digestOf(host: Host, path: string, algorithm: string): Promise<{hex: string} | {reason: string}> {
  const read = await host.fs.readFile(path, {maxBytes: maxFileBytes, follow: false});
  if (!read.ok) return {reason: read.reason};
  if (read.value.truncated)
    return {reason: `cannot verify ${path}: it is larger than ${maxFileBytes / 1024 / 1024} MiB`};
  try {
    return {hex: createHash(algorithm).update(read.value.bytes).digest('hex')};
  } catch {
    return {reason: `cannot verify ${path}: this machine's cryptography forbids ${algorithm}`};
  }
}

const types = new Map<number, FileType>([
  [0o01, 'fifo'],
  [0o02, 'character-device'],
  [0o04, 'directory'],
  [0o06, 'block-device'],
  [0o10, 'file'],
  [0o12, 'link'],
  [0o14, 'socket'],
]);

function compareStat(
  {path, mode, user, group, flags, verify}: PackagedFile,
  stat: HostStat,
  {users, groups}: NameTables,
): Change[] {
  const changes: Change[] = [];
  const wantedType = types.get(mode >> 12);
  if ((verify & verifyFlag.mode) !== 0) {
    if (wantedType !== undefined && wantedType !== stat.type && (flags & fileFlag.ghost) === 0)
      return [{path, what: 'type', expected: wantedType, actual: stat.type}];
    const wanted = mode & 0o7777;
    // Links have no mode of their own.
    if (stat.type !== 'link' && wantedType === stat.type && wanted !== stat.mode)
      changes.push({path, what: 'mode', expected: octal(wanted), actual: octal(stat.mode)});
  }
  const wrongUser = (verify & verifyFlag.user) !== 0 && !isNamed(users, stat.uid, user);
  const wrongGroup = (verify & verifyFlag.group) !== 0 && !isNamed(groups, stat.gid, group);
  if (wrongUser || wrongGroup) {
    const actual = `${users.get(stat.uid) ?? stat.uid}:${groups.get(stat.gid) ?? stat.gid}`;
    changes.push({path, what: 'owner', expected: `${user}:${group}`, actual});
  }
  return changes;
}

const octal = (mode: number) => mode.toString(8).padStart(4, '0');

/** An id may have several names, of which the table keeps one; root is 0 even in a tree without passwd(5). */
function isNamed(table: Map<number, string>, id: number, name: string): boolean {
  return table.get(id) === name || (id === 0 && name === 'root');
}
