import type {Host} from '../../host.ts';
import {failed, type Look, looked} from '../../look.ts';
import {parseStanza} from '../dpkg/stanzas.ts';

/** What a Release file says of its repository. Times are milliseconds since the epoch. */
export type Release = {
  path: string;
  origin: string;
  label: string;
  suite: string;
  codename: string;
  version: string;
  dateMs: number | null;
  validUntilMs: number | null;
  notAutomatic: boolean;
  butAutomaticUpgrades: boolean;
  /** SHA256 of the indexes by their path below the suite. */
  digests: Map<string, {sha256: string; size: number}>;
  /** When the file last changed here, by its content's or its inode's time. */
  modifiedMs: number;
  changedMs: number;
};

const maxReleaseBytes = 8 * 1024 * 1024;

/** The InRelease or Release file of a repository; null when neither was fetched. `base` is its path without the name. */
export async function readRelease(host: Host, base: string): Promise<Look<Release | null>> {
  for (const name of ['InRelease', 'Release']) {
    const path = `${base}${name}`;
    const file = await host.fs.readFile(path, {maxBytes: maxReleaseBytes});
    if (!file.ok && file.code === 'absent') continue;
    if (!file.ok) return file;
    if (file.value.truncated) return failed('io', `cannot read all of ${path}: it is too large`);
    const {modifiedMs, changedMs} = file.value.stat;
    const release = parseRelease(path, file.value.bytes.toString('utf8'));
    return release === null
      ? failed('io', `cannot read ${path}: it is damaged`)
      : looked({...release, modifiedMs, changedMs});
  }
  return looked(null);
}

/** Null for what is no Release file. The signature of a clear-signed one is not judged here: apt did when it fetched it. */
function parseRelease(path: string, text: string): Omit<Release, 'modifiedMs' | 'changedMs'> | null {
  const signed = text.startsWith('-----BEGIN PGP SIGNED MESSAGE-----');
  const end = text.indexOf('\n-----BEGIN PGP SIGNATURE-----');
  if (signed && (end < 0 || !text.includes('\n-----END PGP SIGNATURE-----'))) return null;
  const body = signed ? text.slice(text.indexOf('\n\n') + 2, end) : text;
  const fields = parseStanza(body.replaceAll('\n- ', '\n'));
  if (fields === null || fields.size === 0) return null;
  const get = (name: string) => fields.get(name) ?? '';
  return {
    path,
    origin: get('origin'),
    label: get('label'),
    suite: get('suite'),
    codename: get('codename'),
    version: get('version'),
    dateMs: parseDate(fields.get('date')),
    validUntilMs: parseDate(fields.get('valid-until')),
    notAutomatic: get('notautomatic').toLowerCase() === 'yes',
    butAutomaticUpgrades: get('butautomaticupgrades').toLowerCase() === 'yes',
    digests: parseDigests(get('sha256')),
  };
}

/** The RFC 1123 date of a Release file, always in UTC. */
function parseDate(text: string | undefined): number | null {
  if (
    text === undefined ||
    !/^[A-Z][a-z]{2}, +\d{1,2} [A-Z][a-z]{2} \d{4} \d{1,2}:\d\d:\d\d (?:UTC|GMT|Z|\+0000)$/.test(text)
  )
    return null;
  const time = Date.parse(text.replace(/(?:UTC|Z|\+0000)$/, 'GMT'));
  return Number.isNaN(time) ? null : time;
}

function parseDigests(list: string): Release['digests'] {
  const digests: Release['digests'] = new Map();
  for (const line of list.split('\n')) {
    const [sha256, size, path, extra] = line.trim().split(/\s+/);
    if (
      path === undefined ||
      extra !== undefined ||
      !/^[0-9a-f]{64}$/.test(sha256 ?? '') ||
      !/^\d{1,15}$/.test(size ?? '')
    )
      continue;
    digests.set(path.replace(/^\.\//, ''), {sha256: sha256 as string, size: Number(size)});
  }
  return digests;
}

/** Whether a repository is its vendor's own security repository. By label where the suite's name moves, as on Debian. */
export function isSecurity(release: Pick<Release, 'origin' | 'label' | 'suite'>): boolean {
  switch (release.origin) {
    case 'Debian':
      return release.label === 'Debian-Security';
    case 'Devuan':
      return release.label === 'Devuan-Security';
    case 'Ubuntu':
    case 'UbuntuESM':
    case 'UbuntuESMApps':
      return release.suite.endsWith('-security');
    default:
      return false;
  }
}
