import {type Answer, absent, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {Host} from '../../host.ts';
import {failed, type Look, looked} from '../../look.ts';
import {parseRpmHeader, type RpmHeader} from './header.ts';
import {openSqlite, readTable} from './sqlite.ts';
import {readWal} from './wal.ts';

/** Fedora and SUSE keep it below /usr, with a link from /var; RHEL and its like below /var. */
const directories = ['/usr/lib/sysimage/rpm', '/var/lib/rpm'];
const formats = [
  ['rpmdb.sqlite', 'sqlite'],
  ['Packages.db', 'ndb'],
  ['Packages', 'bdb'],
] as const;

export type RpmDatabase = {path: string; format: 'sqlite' | 'ndb' | 'bdb'};

const maxDatabaseBytes = 512 * 1024 * 1024;
const maxLogBytes = 64 * 1024 * 1024;

/** Where this host keeps its rpm database, `absent` when it has none. */
export async function findRpmDatabase(host: Host): Promise<Answer<RpmDatabase>> {
  for (const directory of directories) {
    for (const [name, format] of formats) {
      const path = `${directory}/${name}`;
      const stat = await host.fs.stat(path);
      if (stat.ok && stat.value.type === 'file') return seen({path, format}, [path]);
      if (!stat.ok && stat.code !== 'absent') return unseen(stat.reason);
    }
  }
  return absent(`there is no rpm database in ${directories.join(' or ')}`, directories);
}

/**
 * Hands each package header of an SQLite rpm database to `visit`. Only bytes are read: no lock is taken and no -wal or
 * -shm file is made; a write-ahead log that is there is laid over the file. Fails when anything in it is damaged: a
 * package left out would read as one that is not installed.
 */
export async function readRpmHeaders(
  host: Host,
  path: string,
  visit: (header: RpmHeader) => void,
): Promise<Look<null>> {
  const files = await readFiles(host, path);
  if (!files.ok) return files;
  const {bytes, log} = files.value;
  const file = openSqlite(path, bytes, (log && readWal(bytes, log)) ?? undefined);
  if (!file.ok) return file;
  let damaged: string | null = null;
  const walked = readTable(path, file.value, 'Packages', (number, values) => {
    const blob = values[1];
    const header = blob instanceof Uint8Array ? parseRpmHeader(blob) : {damaged: 'it is not there'};
    if ('damaged' in header) damaged = `the header of package number ${number}: ${header.damaged}`;
    else visit(header);
    return damaged === null;
  });
  return damaged === null ? walked : failed('io', `cannot read ${path}: it is damaged, ${damaged}`);
}

/** The database and its log as of one moment: neither may change while the other is read. */
async function readFiles(host: Host, path: string): Promise<Look<{bytes: Buffer; log: Buffer | null}>> {
  const logPath = `${path}-wal`;
  for (let attempts = 0; attempts < 2; attempts++) {
    const before = await host.fs.stat(path);
    if (!before.ok) return before;
    if (before.value.size > maxDatabaseBytes)
      return failed('unsupported', `cannot read ${path}: it is larger than ${maxDatabaseBytes / 1024 / 1024} MiB`);
    const log = await host.fs.readFile(logPath, {maxBytes: maxLogBytes});
    if (!log.ok && log.code !== 'absent') return log;
    if (log.ok && log.value.truncated)
      return failed('unsupported', `cannot read ${logPath}: it is larger than ${maxLogBytes / 1024 / 1024} MiB`);
    const journal = await host.fs.stat(`${path}-journal`);
    if (journal.ok && journal.value.size > 0)
      return failed('changed', `cannot read ${path}: a transaction is under way or was broken off (${path}-journal)`);
    const file = await host.fs.readFile(path, {maxBytes: maxDatabaseBytes});
    if (!file.ok) return file;
    const after = await host.fs.stat(logPath);
    const sameFile =
      file.value.stat.modifiedMs === before.value.modifiedMs && file.value.stat.inode === before.value.inode;
    const sameLog = log.ok
      ? after.ok && after.value.modifiedMs === log.value.stat.modifiedMs && after.value.size === log.value.stat.size
      : !after.ok;
    if (sameFile && sameLog) return looked({bytes: file.value.bytes, log: log.ok ? log.value.bytes : null});
  }
  return failed('changed', `cannot read ${path}: it changed while it was read, twice`);
}
