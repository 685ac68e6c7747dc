import {type Answer, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {PackageFact, PackagesFact} from '../../../../policies/facts/packages.ts';
import type {Host} from '../../host.ts';
import {findRpmDatabase, readRpmHeaders} from './database.ts';
import {type RpmHeader, rpmTag} from './header.ts';
import {type Hold, isHeld, readHolds} from './holds.ts';

export type RpmPackage = PackageFact & {
  /** When it was installed, milliseconds since the epoch; null when the database does not say. */
  installedMs: number | null;
  /** `name:stream` of the module that it was installed from, or null. */
  module: string | null;
};
export type RpmPackagesFact = Omit<PackagesFact, 'packages'> & {packages: RpmPackage[]};

type Fields = {
  name: string;
  epoch: string;
  version: string;
  release: string;
  architecture: string;
  sourceRpm: string;
  installTime: string;
  module: string;
};

/** All installed packages, sorted by name; `absent` on a host without an rpm database. */
export async function readRpmPackages(host: Host): Promise<Answer<RpmPackagesFact>> {
  const database = await findRpmDatabase(host);
  if (database.state !== 'seen') return database;
  const {path, format} = database.value;
  const rows = format === 'sqlite' ? await readDatabase(host, path) : await askRpm(host, path, format);
  if ('reason' in rows) return unseen(rows.reason);
  const holds = await readHolds(host);
  if ('reason' in holds) return unseen(holds.reason);
  const packages = rows
    .map(row => toPackage(row, holds.holds))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return seen({manager: 'rpm', nativeArchitecture: mostCommon(packages), packages}, [path, ...holds.read]);
}

async function readDatabase(host: Host, path: string): Promise<Fields[] | {reason: string}> {
  const rows: Fields[] = [];
  let unnamed = 0;
  const look = await readRpmHeaders(host, path, header => {
    const row = fieldsOf(header);
    if (row === null) unnamed++;
    else rows.push(row);
  });
  if (!look.ok) return {reason: look.reason};
  return unnamed === 0
    ? rows
    : {reason: `cannot read ${path}: it is damaged, ${unnamed} packages have no name or version`};
}

function fieldsOf(header: RpmHeader): Fields | null {
  const [name, version, release] = [header.text(rpmTag.name), header.text(rpmTag.version), header.text(rpmTag.release)];
  if (!name || !version || !release) return null;
  return {
    name,
    version,
    release,
    epoch: String(header.numbers(rpmTag.epoch)[0] ?? 0),
    architecture: header.text(rpmTag.architecture) ?? '',
    sourceRpm: header.text(rpmTag.sourceRpm) ?? '',
    installTime: String(header.numbers(rpmTag.installTime)[0] ?? ''),
    module: header.text(rpmTag.modularityLabel) ?? '',
  };
}

const queryTags = ['NAME', 'EPOCHNUM', 'VERSION', 'RELEASE', 'ARCH', 'SOURCERPM', 'INSTALLTIME', 'MODULARITYLABEL'];

/** The older formats are rpm's own business. */
async function askRpm(host: Host, path: string, format: string): Promise<Fields[] | {reason: string}> {
  if (!host.live)
    return {
      reason: `cannot read ${path}: reeve does not read rpm's ${format} format, and an image's rpm cannot be asked`,
    };
  const query = `${queryTags.map(tag => `%{${tag}}`).join('\\t')}\\n`;
  const answer = await host.run(['/usr/bin/rpm', '-qa', '--nodigest', '--nosignature', '--qf', query], {
    timeoutMs: 60_000,
    maxBytes: 32 * 1024 * 1024,
  });
  if (answer.failed) return {reason: `${answer.reason}, to read ${path}`};
  return parseRpmQuery(answer.stdout) ?? {reason: `cannot read ${path}: rpm's answer is not as asked`};
}

/** Null when a line has not the fields that were asked for. */
export function parseRpmQuery(text: string): Fields[] | null {
  const rows: Fields[] = [];
  for (const line of text.split('\n').filter(row => row !== '')) {
    const fields = line.split('\t').map(field => (field === '(none)' ? '' : field));
    if (fields.length !== queryTags.length) return null;
    const [name, epoch, version, release, architecture, sourceRpm, installTime, module] = fields as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    rows.push({name, epoch: epoch || '0', version, release, architecture, sourceRpm, installTime, module});
  }
  return rows;
}

function toPackage(
  {name, epoch, version, release, architecture, sourceRpm, installTime, module}: Fields,
  holds: Hold[],
): RpmPackage {
  const source = /^(.+)-([^-]+-[^-]+)\.(?:no)?src\.rpm$/.exec(sourceRpm);
  const full = `${epoch === '0' ? '' : `${epoch}:`}${version}-${release}`;
  return {
    name,
    version: full,
    architecture,
    status: 'installed',
    installed: true,
    held: isHeld(holds, {name, version: full, architecture}),
    source: source?.[1] ?? name,
    sourceVersion: source?.[2] ?? `${version}-${release}`,
    installedMs: /^\d+$/.test(installTime) ? Number(installTime) * 1000 : null,
    module: /^[^:]+:[^:]+/.exec(module)?.[0] ?? null,
  };
}

function mostCommon(packages: RpmPackage[]): string | null {
  const counts = new Map<string, number>();
  for (const {architecture} of packages) {
    if (architecture !== '' && architecture !== 'noarch') counts.set(architecture, (counts.get(architecture) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? null;
}
