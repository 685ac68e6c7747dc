import {existsSync, mkdirSync, renameSync, rmSync} from 'node:fs';
import {dirname} from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import {LinkProblem} from '../problem.ts';
import {applicationId, schema, schemaVersion} from './schema.ts';

const pageBytes = 4096;
/** Codes of SQLite (sqlite.org/rescode.html); the low byte is the kind. */
const kinds = {error: 1, busy: 5, noMemory: 7, ioError: 10, corrupt: 11, full: 13, mismatch: 20, notADatabase: 26};
/** What says nothing against the file. */
const passing = [kinds.busy, kinds.noMemory, kinds.ioError, kinds.full];

/**
 * Opens the file at `path`, or begins it (in a folder of mode 0700 that is made where it is missing), and hands it to `load`. One that is damaged, not ours or not writable, or from
 * which `load` cannot read, is set aside (`setAside()`) and begun anew; `why` then says why.
 *
 * synchronous=FULL: what was confirmed to the agent must still be there after the power went. Throws a `LinkProblem`
 * when nothing can be stored at all, and when another process has the file.
 */
export function openSpoolFile(
  path: string,
  maxBytes: number,
  load: (database: DatabaseSync) => void,
): {database: DatabaseSync; why: string | null} {
  try {
    mkdirSync(dirname(path), {recursive: true, mode: 0o700});
  } catch (error) {
    throw storageProblem(`cannot make the folder "${dirname(path)}" for the spool`, error);
  }
  try {
    return {database: open(path, maxBytes, load), why: null};
  } catch (error) {
    if (error instanceof LinkProblem) throw error;
    return {database: beginAnew(path, maxBytes, load), why: (error as Error).message};
  }
}

/** Renames the file to `<path>.set-aside`, of which there is one at most, and begins a new one. */
export function beginAnew(path: string, maxBytes: number, load: (database: DatabaseSync) => void): DatabaseSync {
  try {
    if (existsSync(path)) renameSync(path, `${path}.set-aside`);
    for (const suffix of ['-wal', '-shm', '-journal']) rmSync(path + suffix, {force: true});
    return open(path, maxBytes, load);
  } catch (error) {
    throw error instanceof LinkProblem ? error : storageProblem(`cannot open the spool "${path}"`, error);
  }
}

function open(path: string, maxBytes: number, load: (database: DatabaseSync) => void): DatabaseSync {
  const database = new DatabaseSync(path, {timeout: 1000});
  try {
    database.exec(`
      PRAGMA page_size = ${pageBytes};
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = 256;
      PRAGMA journal_size_limit = ${1024 * 1024};
      PRAGMA cache_size = -1024;
      PRAGMA trusted_schema = OFF;
      PRAGMA max_page_count = ${Math.floor(maxBytes / pageBytes)};
    `);
    begin(database);
    const found = String(pragma(database, 'quick_check(1)'));
    if (found !== 'ok') throw new Error(`its check says: ${found}`);
    load(database);
    return database;
  } catch (error) {
    database.close();
    if (passing.includes(kindOf(error))) throw storageProblem(`cannot open the spool "${path}"`, error);
    throw error;
  }
}

/** Makes the tables in an empty file; refuses one that is not ours. Writes once, so that an unwritable one shows now. */
function begin(database: DatabaseSync): void {
  const isEmpty = database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined;
  if (isEmpty) {
    inTransaction(database, () => database.exec(schema));
    return;
  }
  const [id, version] = [pragma(database, 'application_id'), pragma(database, 'user_version')];
  if (id !== applicationId) throw new Error('it is no spool of reeve');
  if (version !== schemaVersion) throw new Error(`its version is ${version}, ${schemaVersion} is wanted`);
  inTransaction(database, () => database.exec(`PRAGMA user_version = ${schemaVersion}`));
}

function pragma(database: DatabaseSync, name: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

/** All of it, or nothing. */
export function inTransaction<T>(database: DatabaseSync, run: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const value = run();
    database.exec('COMMIT');
    return value;
  } catch (error) {
    if (database.isOpen && database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** A failure of SQLite as the problem that status and log say. */
export function storageProblem(doing: string, error: unknown): LinkProblem {
  const full = kindOf(error) === kinds.full;
  return new LinkProblem(full ? 'SPOOL_FULL' : 'SPOOL_UNUSABLE', `${doing}: ${(error as Error).message}`, {
    cause: error,
  });
}

/** Whether the file itself is wrong, so that trying again cannot help: also a schema or numbers that are not ours. */
export const isDamage = (error: unknown): boolean =>
  [kinds.error, kinds.corrupt, kinds.mismatch, kinds.notADatabase].includes(kindOf(error)) ||
  (error as NodeJS.ErrnoException).code === 'ERR_OUT_OF_RANGE';

const kindOf = (error: unknown): number => ((error as {errcode?: number}).errcode ?? 0) & 0xff;
