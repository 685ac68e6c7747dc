import {DatabaseSync} from 'node:sqlite';
import {StoreError, storeErrorCode} from './errors.ts';
import {migrations} from './schema.ts';

/** SQLITE_BUSY, https://sqlite.org/rescode.html. */
const busy = 5;
/** How long SQLite waits for a lock of somebody else, a backup say. */
const busyMs = 5_000;
/** Pages of 4 KiB that the write-ahead log may have before they are moved into the file: a page that changed ten times moves once. */
const checkpointPages = 4_000;
/** KiB of pages that stay in memory: the indexes of some thousand hosts. */
const cacheKib = 16_000;

/**
 * Opens the file to write: makes it when it is not there, refuses one that is damaged or newer than this program, and
 * brings an older one up to date. A commit is on the disk when it returns (`synchronous = FULL`), so that what was
 * acknowledged is there after a loss of power.
 */
export function openToWrite(path: string): DatabaseSync {
  const database = new DatabaseSync(path, {timeout: busyMs});
  try {
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = ${checkpointPages};
      PRAGMA journal_size_limit = 67108864;
      PRAGMA cache_size = -${cacheKib};
      -- What one request changed, to take it back: in a file it costs more than the request.
      PRAGMA temp_store = MEMORY;
      PRAGMA foreign_keys = ON;
    `);
    checkWhole(database, path);
    migrate(database, path);
    return database;
  } catch (error) {
    database.close();
    if (error instanceof StoreError || storeErrorCode(error) !== 'STORE_UNUSABLE') throw error;
    throw damaged(path, (error as Error).message);
  }
}

const damaged = (path: string, what: string): StoreError =>
  new StoreError(
    'STORE_UNUSABLE',
    `cannot use "${path}": it is damaged (${what}); restore it from a copy, or move it away to begin with no hosts`,
  );

/**
 * Takes a lock beside the file, which ends with the process: two controllers upon one file would each acknowledge what
 * the other does not know.
 */
export function lock(path: string): DatabaseSync {
  const database = new DatabaseSync(`${path}.lock`, {timeout: 0});
  try {
    database.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    if ((Number((error as {errcode?: number}).errcode) & 0xff) !== busy) throw error;
    throw new StoreError('STORE_UNUSABLE', `cannot use "${path}": another controller uses it`);
  }
}

/** Opens the file to read what was committed. `openToWrite` was there first. */
export function openToRead(path: string): DatabaseSync {
  return new DatabaseSync(path, {timeout: busyMs, readOnly: true});
}

function checkWhole(database: DatabaseSync, path: string): void {
  const problems = database.prepare('PRAGMA quick_check(3)').all();
  const first = problems[0]?.quick_check;
  if (first === 'ok') return;
  throw damaged(path, String(first).slice(0, 200));
}

function migrate(database: DatabaseSync, path: string): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.user_version);
  if (version > migrations.length)
    throw new StoreError(
      'STORE_UNUSABLE',
      `cannot use "${path}": a newer reeve wrote it (version ${version}, at most ${migrations.length} is known)`,
    );
  for (const [index, migration] of migrations.entries()) {
    if (index < version) continue;
    database.exec('BEGIN IMMEDIATE');
    database.exec(migration);
    database.exec(`PRAGMA user_version = ${index + 1}`);
    database.exec('COMMIT');
  }
}
