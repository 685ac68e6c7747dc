import {closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync} from 'node:fs';
import {DatabaseSync, type StatementSync} from 'node:sqlite';
import {ReeveError} from '../../errors.ts';

const version = 1;
/** SQLite result codes: https://www.sqlite.org/rescode.html. */
const sqliteError = 1;
const sqliteBusy = 5;
const sqliteCorrupt = 11;
const sqliteNotADatabase = 26;

/**
 * `stream`: its epoch; its last number; the number up to which the link holds it, so that it is not kept here; the number
 * of the newest `settled`; the digest of the set. `step` is what the link has not taken yet.
 */
const schema = `
  CREATE TABLE stream (
    one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, n INTEGER NOT NULL, stored INTEGER NOT NULL,
    whole INTEGER NOT NULL, digest TEXT NOT NULL
  ) STRICT;
  CREATE TABLE finding (
    rule TEXT NOT NULL, subject TEXT NOT NULL, pack TEXT NOT NULL, severity TEXT NOT NULL, verdict TEXT NOT NULL,
    body TEXT NOT NULL, digest TEXT NOT NULL, since TEXT NOT NULL, observed TEXT NOT NULL, PRIMARY KEY (rule, subject)
  ) STRICT;
  CREATE TABLE step (
    n INTEGER PRIMARY KEY, t TEXT NOT NULL, at TEXT, rule TEXT, subject TEXT, body TEXT, bytes INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX step_of_finding ON step (rule, subject);
  CREATE TABLE pack (name TEXT PRIMARY KEY, at TEXT NOT NULL, duration REAL NOT NULL) STRICT;
  PRAGMA user_version = ${version};
`;

export type Prepare = (sql: string) => StatementSync;

/** Prepares each statement once. */
export function preparing(db: DatabaseSync): Prepare {
  const statements = new Map<string, StatementSync>();
  return sql => {
    const known = statements.get(sql) ?? db.prepare(sql);
    statements.set(sql, known);
    return known;
  };
}

export type Opened = {
  db: DatabaseSync;
  /** A file that was there and could not be used: where it is now, and why. */
  setAside: {path: string; reason: string} | null;
};

/**
 * Opens the store, or makes it. `firstEpoch` gives the epoch of a new one, told that of a file which was damaged but let
 * itself be read that far. Throws `REEVE_AGENT_RUNNING` when another process has it, `REEVE_STATE_UNUSABLE` when it can
 * neither be read nor set aside.
 */
export function openDatabase(path: string, firstEpoch: (before: number | null) => number): Opened {
  let setAside: Opened['setAside'] = null;
  let before: number | null = null;
  if (existsSync(path)) {
    const tried = tryOpen(path);
    if (tried.db !== null) return {db: tried.db, setAside: null};
    before = tried.epoch;
    setAside = {path: moveAside(path), reason: tried.reason};
  }
  make(path, firstEpoch(before));
  const made = tryOpen(path);
  if (made.db === null) throw unusable(path, made.reason);
  return {db: made.db, setAside};
}

type Tried = {db: DatabaseSync} | {db: null; reason: string; epoch: number | null};

function tryOpen(path: string): Tried {
  if (statSync(path).size === 0) return {db: null, reason: 'it is empty', epoch: null};
  const db = new DatabaseSync(path);
  try {
    // One process alone: no shared memory file, and a second agent is refused whatever its sockets are.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    db.exec('PRAGMA cache_size = -1024; PRAGMA journal_size_limit = 1048576; BEGIN IMMEDIATE; COMMIT');
    const found = (db.prepare('PRAGMA user_version').get() as {user_version: number}).user_version;
    if (found !== version) return refuse(db, `its version is ${found}, ${version} is wanted`);
    const checked = db.prepare('PRAGMA quick_check(1)').get() as {quick_check: string};
    if (checked.quick_check !== 'ok') return refuse(db, checked.quick_check.split('\n').join(' '));
    if (epochOf(db) === null) return refuse(db, 'its stream is missing');
    return {db};
  } catch (error) {
    const {errcode, message} = error as Error & {errcode?: number};
    const code = (errcode ?? 0) & 0xff;
    if (code === sqliteCorrupt || code === sqliteNotADatabase || code === sqliteError) return refuse(db, message);
    db.close();
    if (code === sqliteBusy)
      throw new ReeveError('REEVE_AGENT_RUNNING', `cannot open "${path}": an agent has it open already`, {
        cause: error,
      });
    throw unusable(path, message, error);
  }
}

function refuse(db: DatabaseSync, reason: string): Tried {
  const epoch = epochOf(db);
  try {
    db.close();
  } catch {
    // It is moved away next; what is left open of it ends with the process.
  }
  return {db: null, reason, epoch};
}

function epochOf(db: DatabaseSync): number | null {
  try {
    return (db.prepare('SELECT epoch FROM stream WHERE one = 1').get() as {epoch: number} | undefined)?.epoch ?? null;
  } catch {
    return null;
  }
}

/** A new store appears whole or not at all: it is made under another name. */
function make(path: string, epoch: number): void {
  const draft = `${path}.new`;
  for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(`${draft}${suffix}`, {force: true});
  for (const suffix of ['-wal', '-shm', '-journal']) rmSync(`${path}${suffix}`, {force: true});
  try {
    closeSync(openSync(draft, 'wx', 0o600));
    const db = new DatabaseSync(draft);
    try {
      db.exec(`PRAGMA synchronous = FULL; BEGIN; ${schema}`);
      db.prepare("INSERT INTO stream VALUES (1, ?, 0, 0, 0, '0')").run(epoch);
      db.exec('COMMIT');
    } finally {
      db.close();
    }
    renameSync(draft, path);
    const directory = openSync(path.slice(0, path.lastIndexOf('/')), 'r');
    fsyncSync(directory);
    closeSync(directory);
  } catch (error) {
    throw unusable(path, (error as Error).message, error);
  }
}

/** Under a name of its own, with its log: somebody may want to look. The three names are used in turn. */
function moveAside(path: string): string {
  const names = [1, 2, 3].map(index => `${path}.damaged-${index}`);
  const target = names.find(name => !existsSync(name)) ?? oldest(names);
  for (const suffix of ['', '-wal', '-shm', '-journal']) {
    rmSync(`${target}${suffix}`, {force: true});
    if (existsSync(`${path}${suffix}`)) renameSync(`${path}${suffix}`, `${target}${suffix}`);
  }
  return target;
}

const oldest = (paths: string[]): string =>
  paths.toSorted((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs)[0] as string;

const unusable = (path: string, reason: string, cause?: unknown) =>
  new ReeveError('REEVE_STATE_UNUSABLE', `cannot open "${path}": ${reason}`, {cause});
