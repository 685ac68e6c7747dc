import {spawnSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, statSync} from 'node:fs';
import {type UpFolders, unusable} from './state.ts';

/** Whom a process runs as. */
export type Account = {uid: number; gid: number};
export type Accounts = {link: Account; controller: Account};

/** Where systemd takes the uids of services without an account from (DynamicUser=, systemd.exec(5)): no account is there. */
const first = 61_184;
const last = 65_519;

/**
 * Makes the folder of each process, owned by whom it runs as. As root that is a uid that no account has and no process,
 * for the link the account `reeve` if there is one; the owner of the folder is kept from then on. Otherwise all are ours.
 */
export function accountsFor(folders: UpFolders, own: Account): Accounts {
  makeOwned(folders.agent, own);
  makeOwned(folders.run, own, own.uid === 0 ? 0o711 : 0o700);
  if (own.uid !== 0) {
    makeOwned(folders.link, own);
    makeOwned(folders.controller, own);
    return {link: own, controller: own};
  }
  const link = keptOwner(folders, folders.link) ?? namedAccount('reeve') ?? freeAccount(folders.link, []);
  const controller = keptOwner(folders, folders.controller) ?? freeAccount(folders.controller, [link.uid]);
  if (link.uid === controller.uid)
    throw unusable(
      folders.root,
      'link and controller have the same owner: move the folder away, or choose another with --state',
    );
  makeOwned(folders.link, link);
  makeOwned(folders.controller, controller);
  return {link, controller};
}

function makeOwned(folder: string, {uid, gid}: Account, mode = 0o700): void {
  try {
    mkdirSync(folder, {mode: 0o700});
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const stat = lstatSync(folder);
    if (!stat.isDirectory() || stat.uid !== uid)
      throw unusable(
        folder,
        `it is no folder of uid ${uid}: move the whole state away, or choose another with --state`,
      );
  }
  chownSync(folder, uid, gid);
  chmodSync(folder, mode);
}

/** Who owned the folder before, unless that uid has become somebody's. */
function keptOwner({root}: UpFolders, folder: string): Account | null {
  const stat = lstatSync(folder, {throwIfNoEntry: false});
  if (stat === undefined || stat.uid === 0) return null;
  const named = namedAccount('reeve');
  if (stat.uid === named?.uid) return named;
  if (isTaken(stat.uid))
    throw unusable(
      root,
      `"${folder}" is owned by uid ${stat.uid}, which has an account now: move it away, or choose another with --state`,
    );
  return {uid: stat.uid, gid: stat.gid};
}

/** The place to begin at comes from the folder's name, so that two states seldom get the same uid. */
function freeAccount(folder: string, but: number[]): Account {
  const count = last - first + 1;
  const start = createHash('sha256').update(folder).digest().readUInt32BE() % count;
  const running = runningUids();
  for (let step = 0; step < count; step++) {
    const uid = first + ((start + step) % count);
    if (!but.includes(uid) && !running.has(uid) && !isTaken(uid)) return {uid, gid: uid};
  }
  throw unusable(folder, `no uid from ${first} to ${last} is free`);
}

const isTaken = (id: number) => getent('passwd', String(id)) !== null || getent('group', String(id)) !== null;

function namedAccount(name: string): Account | null {
  const [, , uid, gid] = getent('passwd', name)?.split(':') ?? [];
  const account = {uid: Number(uid), gid: Number(gid)};
  return Number.isInteger(account.uid) && Number.isInteger(account.gid) && account.uid > 0 ? account : null;
}

/** Asks every source of accounts that nsswitch.conf(5) names. */
function getent(database: 'passwd' | 'group', key: string): string | null {
  const {status, stdout} = spawnSync('/usr/bin/getent', [database, key], {encoding: 'utf8', timeout: 10_000});
  return status === 0 ? stdout : null;
}

function runningUids(): Set<number> {
  const uids = new Set<number>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statSync(`/proc/${name}`, {throwIfNoEntry: false}) : undefined;
    if (stat !== undefined) uids.add(stat.uid);
  }
  return uids;
}
