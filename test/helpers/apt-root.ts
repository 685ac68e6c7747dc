import {execFileSync} from 'node:child_process';
import {chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {type RepositoryFixture, releaseText} from './apt.ts';

/** A directory that the real apt takes for the machine, with repositories that it has fetched from below it. */
export type AptRoot = {
  path: string;
  write(path: string, text: string): void;
  /** Runs one of apt's programs on the root, and gives what it printed. */
  apt(program: string, ...args: string[]): string;
  remove(): void;
};

/** Each repository's `uri` is its name alone here, e.g. `security`. Needs Debian's `apt`. */
export function makeAptRoot(status: string, repositories: RepositoryFixture[]): AptRoot {
  const path = mkdtempSync(join(tmpdir(), 'reeve-apt-'));
  chmodSync(path, 0o755);
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(path, name)), {recursive: true, mode: 0o755});
    writeFileSync(join(path, name), text);
  };
  for (const directory of [
    '/etc/apt/apt.conf.d',
    '/etc/apt/preferences.d',
    '/var/lib/apt/lists/partial',
    '/var/cache/apt/archives/partial',
  ]) {
    mkdirSync(join(path, directory), {recursive: true});
  }
  write('/var/lib/dpkg/status', status);
  for (const repository of repositories) {
    const {uri, suite, component = 'main', packages} = repository;
    write(`/repositories/${uri}/dists/${suite}/Release`, releaseText(repository));
    write(`/repositories/${uri}/dists/${suite}/${component}/binary-amd64/Packages`, packages);
  }
  const sources = repositories.map(
    ({uri, suite, component = 'main'}) => `deb [trusted=yes] copy:${path}/repositories/${uri} ${suite} ${component}`,
  );
  write('/etc/apt/sources.list', `${sources.join('\n')}\n`);
  const config = [
    `Dir "${path}";`,
    `Dir::State::status "${path}/var/lib/dpkg/status";`,
    'APT::Architecture "amd64";',
    'APT::Sandbox::User "";',
    'Acquire::Languages "none";',
  ];
  write('/apt-root.conf', `${config.join('\n')}\n`);
  const apt = (program: string, ...args: string[]) =>
    execFileSync(program, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {PATH: '/usr/bin:/bin', LC_ALL: 'C', APT_CONFIG: join(path, 'apt-root.conf')},
    });
  apt('/usr/bin/apt-get', 'update');
  return {path, write, apt, remove: () => rmSync(path, {recursive: true, force: true})};
}
