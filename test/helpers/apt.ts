import {createHash} from 'node:crypto';
import type {Fixture} from '../../agent/host/memory/fixture.ts';

/** One stanza of a package database or index; fields that are left out have the values of an ordinary package. */
export type StanzaFields = {[field: string]: string};

export function stanza(name: string, version: string, fields: StanzaFields = {}): string {
  const file = {Filename: `pool/${name}.deb`, Size: '1', SHA256: '0'.repeat(64)};
  const all: StanzaFields = {Package: name, Version: version, Architecture: 'amd64', ...file, ...fields};
  return `${Object.entries(all)
    .filter(([, value]) => value !== '')
    .map(([field, value]) => `${field}: ${value}`)
    .join('\n')}\n\n`;
}

/** A stanza of /var/lib/dpkg/status, installed unless `fields` say otherwise. */
export const installed = (name: string, version: string, fields: StanzaFields = {}): string =>
  stanza(name, version, {Status: 'install ok installed', Filename: '', Size: '', SHA256: '', ...fields});

export type RepositoryFixture = {
  /** As sources.list has them. */
  uri: string;
  suite: string;
  component?: string;
  /** Of the Release file, beside Date and digests. */
  fields: StanzaFields;
  date?: string;
  /** Stanzas of its Packages index. */
  packages: string;
};

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** The Release file of a repository, unsigned. */
export function releaseText({
  fields,
  packages,
  component = 'main',
  date = 'Sat, 21 Nov 2026 06:00:00 UTC',
}: RepositoryFixture): string {
  const index = `${component}/binary-amd64/Packages`;
  const head = Object.entries({...fields, Date: date, Architectures: 'amd64', Components: component});
  const lines = head.filter(([, value]) => value !== '').map(([field, value]) => `${field}: ${value}`);
  return `${lines.join('\n')}\nSHA256:\n ${sha256(packages)} ${Buffer.byteLength(packages)} ${index}\n`;
}

const listsOf = ({uri, suite}: RepositoryFixture) =>
  `/var/lib/apt/lists/${uri.replace(/^[a-z]+:\/\//, '').replaceAll('/', '_')}_dists_${suite}_`;

/** The files that apt keeps of fetched repositories, and a sources.list that names them. */
export function aptFiles(repositories: RepositoryFixture[]): NonNullable<Fixture['files']> {
  const files: NonNullable<Fixture['files']> = {'/var/lib/apt/lists/': {mode: '0755'}};
  const lines = repositories.map(({uri, suite, component = 'main'}) => `deb ${uri} ${suite} ${component}`);
  files['/etc/apt/sources.list'] = `${lines.join('\n')}\n`;
  for (const repository of repositories) {
    const base = listsOf(repository);
    files[`${base}InRelease`] = releaseText(repository);
    files[`${base}${repository.component ?? 'main'}_binary-amd64_Packages`] = repository.packages;
  }
  return files;
}

const debian = 'http://deb.debian.org/debian';
const ubuntu = 'http://archive.ubuntu.com/ubuntu';

export const bookworm = (packages: string, change: Partial<RepositoryFixture> = {}): RepositoryFixture => ({
  uri: debian,
  suite: 'bookworm',
  fields: {Origin: 'Debian', Label: 'Debian', Suite: 'oldstable', Codename: 'bookworm', Version: '12.13'},
  date: 'Sat, 11 Jul 2026 10:00:00 UTC',
  packages,
  ...change,
});

export const bookwormSecurity = (packages: string, change: Partial<RepositoryFixture> = {}): RepositoryFixture => ({
  uri: 'http://deb.debian.org/debian-security',
  suite: 'bookworm-security',
  fields: {
    Origin: 'Debian',
    Label: 'Debian-Security',
    Suite: 'oldstable-security',
    Codename: 'bookworm-security',
    'Valid-Until': 'Sat, 28 Nov 2026 06:00:00 UTC',
  },
  packages,
  ...change,
});

export const noble = (
  pocket: '' | '-updates' | '-security',
  packages: string,
  change: Partial<RepositoryFixture> = {},
): RepositoryFixture => ({
  uri: ubuntu,
  suite: `noble${pocket}`,
  fields: {Origin: 'Ubuntu', Label: 'Ubuntu', Suite: `noble${pocket}`, Codename: 'noble', Version: '24.04'},
  packages,
  ...change,
});

const osRelease = {
  bookworm: 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
  noble: 'ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\nVERSION_CODENAME=noble\nPRETTY_NAME="Ubuntu 24.04.3 LTS"\n',
};

/** A machine of a release with these packages and fetched repositories; `files` are laid over. */
export function aptMachine(
  release: keyof typeof osRelease,
  status: string,
  repositories: RepositoryFixture[],
  files: NonNullable<Fixture['files']> = {},
): Fixture {
  return {
    now: '2026-11-21T12:00:00Z',
    files: {
      '/etc/os-release': osRelease[release],
      '/var/lib/dpkg/status': installed('dpkg', '1.21.22') + status,
      ...aptFiles(repositories),
      ...files,
    },
  };
}
