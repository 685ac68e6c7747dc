import {spawnSync} from 'node:child_process';
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  writeSync,
} from 'node:fs';
import {dirname, resolve} from 'node:path';
import type {Static} from 'typebox';
import * as Type from 'typebox';
import {parseJson} from '../../controller/protocol/codec.ts';
import {hasShape} from '../../controller/protocol/shape.ts';
import {ReeveError} from '../errors.ts';

/** The folders of a `reeve up`: one a process, and the agent's sockets. */
export type UpFolders = {root: string; agent: string; link: string; controller: string; run: string; program: string};

/** What outlives a run: the ports, so that a page that was bookmarked stays where it is. */
const savedState = Type.Object(
  {
    version: Type.Literal(1),
    ports: Type.Object({
      agents: Type.Integer({minimum: 1, maximum: 65_535}),
      page: Type.Integer({minimum: 1, maximum: 65_535}),
    }),
  },
  {additionalProperties: false},
);
export type SavedState = Static<typeof savedState>;

export type UpState = {
  folders: UpFolders;
  saved: SavedState | null;
  save(saved: SavedState): void;
  /** Lets another `reeve up` have it. */
  release(): void;
};

/** sun_path of unix(7) has 108 bytes with the zero at its end; `/controller/admin.sock` is the longest name below. */
const maxRootBytes = 107 - '/controller/admin.sock'.length;
const fileName = 'up.json';
const lockName = 'up.lock';
/** flock(1) says so when somebody else holds the lock. */
const lockedStatus = 75;

/**
 * Makes or opens the state folder and locks it: two of us on one state would be two agents with one key. The kernel gives
 * the lock back when we die. Throws `REEVE_UP_STATE` and `REEVE_UP_RUNNING`.
 */
export function openState(path: string, uid: number): UpState {
  const root = resolve(path);
  if (Buffer.byteLength(root) > maxRootBytes)
    throw unusable(
      root,
      `its path is longer than ${maxRootBytes} bytes, which leaves no room for sockets: choose a shorter one with --state`,
    );
  makeFolder(root, uid);
  const release = lock(root);
  try {
    return {folders: foldersOf(root), saved: readSaved(root), save: saved => writeSaved(root, saved), release};
  } catch (error) {
    release();
    throw error;
  }
}

const foldersOf = (root: string): UpFolders => ({
  root,
  agent: `${root}/agent`,
  link: `${root}/link`,
  controller: `${root}/controller`,
  run: `${root}/run`,
  program: `${root}/program`,
});

/** As root others may pass through, since link and controller have accounts of their own; nobody may list it. */
function makeFolder(root: string, uid: number): void {
  try {
    mkdirSync(dirname(root), {recursive: true});
    mkdirSync(root, {mode: 0o700});
  } catch (error) {
    const {code, message} = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') throw unusable(root, `it cannot be made: ${message}`);
    refuseForeign(root, lstatSync(root), uid);
  }
  chmodSync(root, uid === 0 ? 0o711 : 0o700);
}

function refuseForeign(root: string, stat: Stats, uid: number): void {
  if (!stat.isDirectory()) throw unusable(root, 'it is no folder: choose another with --state');
  if (stat.uid !== uid)
    throw unusable(root, `its owner is uid ${stat.uid}, must be ${uid}: choose another with --state`);
  if ((stat.mode & 0o022) !== 0) throw unusable(root, `others may write it: chmod go-w ${root}`);
  const names = readdirSync(root);
  if (names.length > 0 && !names.includes(fileName) && !names.includes(lockName))
    throw unusable(root, 'it holds something else: choose an empty or a new folder with --state');
}

function lock(root: string): () => void {
  const fd = openSync(`${root}/${lockName}`, 'a', 0o600);
  // The lock belongs to the open file, which flock(1) shares with us.
  const {status, error} = spawnSync(
    '/usr/bin/flock',
    ['--nonblock', '--conflict-exit-code', String(lockedStatus), '3'],
    {
      stdio: ['ignore', 'ignore', 'ignore', fd],
    },
  );
  if (status === 0) return () => closeSync(fd);
  closeSync(fd);
  if (status === lockedStatus)
    throw new ReeveError(
      'REEVE_UP_RUNNING',
      `another reeve up uses "${root}": end it, or choose another folder with --state`,
    );
  throw unusable(root, `it cannot be locked: ${error === undefined ? `flock ended with ${status}` : error.message}`);
}

function readSaved(root: string): SavedState | null {
  let text: string;
  try {
    text = readFileSync(`${root}/${fileName}`, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unusable(root, `${fileName} cannot be read: ${(error as Error).message}`);
  }
  const value = parseJson(text);
  if (hasShape(savedState, value)) return value as SavedState;
  const version = (value as {version?: unknown} | undefined)?.version;
  throw unusable(
    root,
    typeof version === 'number' && version !== 1
      ? `it is of version ${version}, this reeve knows version 1: start the reeve that made it, or choose another folder with --state`
      : `${fileName} is damaged: move the folder away, or choose another with --state`,
  );
}

function writeSaved(root: string, saved: SavedState): void {
  writeWhole(`${root}/${fileName}`, `${JSON.stringify(saved)}\n`, 0o600);
}

/** Puts a file in place whole or not at all. */
export function writeWhole(path: string, text: string, mode: number): void {
  const temporary = `${path}.new`;
  rmSync(temporary, {force: true});
  const fd = openSync(temporary, 'wx', 0o600);
  try {
    writeSync(fd, text);
    fchmodSync(fd, mode);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
  const folder = openSync(dirname(path), 'r');
  fsyncSync(folder);
  closeSync(folder);
}

export const unusable = (root: string, why: string) =>
  new ReeveError('REEVE_UP_STATE', `cannot use the state folder "${root}": ${why}`);
