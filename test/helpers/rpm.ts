import {execFileSync} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';

export type RpmSpec = {
  name: string;
  epoch?: number;
  version: string;
  release: string;
  /** Default noarch. */
  architecture?: string;
  module?: string;
  /** Lines of %files, and the shell that makes them below %{buildroot}. */
  files?: string;
  install?: string;
};

/** Real packages and databases, made with Debian's rpm and createrepo-c in a folder that goes away with the test. */
export class RpmLab {
  readonly folder = mkdtempSync(join(tmpdir(), 'reeve-rpm-'));
  readonly #environment = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C',
    HOME: this.folder,
    SOURCE_DATE_EPOCH: '1760000000',
  };

  constructor() {
    writeFileSync(join(this.folder, '.rpmmacros'), '%_dbpath /var/lib/rpm\n%_build_id_links none\n');
  }

  run(argv: [string, ...string[]]): string {
    return execFileSync(argv[0], argv.slice(1), {
      env: this.#environment,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: this.folder,
    });
  }

  /** The built package's path. */
  build({name, epoch, version, release, architecture = 'noarch', module, files = '', install = ''}: RpmSpec): string {
    const spec = join(this.folder, `${name}-${version}-${release}.${architecture}.spec`);
    const lines = [
      `Name: ${name}`,
      ...(epoch === undefined ? [] : [`Epoch: ${epoch}`]),
      `Version: ${version}`,
      `Release: ${release}`,
      'Summary: a package for tests',
      'License: none',
      ...(architecture === 'noarch' ? ['BuildArch: noarch'] : []),
      ...(module === undefined ? [] : [`ModularityLabel: ${module}`]),
      '%description',
      'a package for tests',
      '%install',
      install,
      '%files',
      files,
    ];
    writeFileSync(spec, `${lines.join('\n')}\n`);
    const target = architecture === 'noarch' ? [] : ['--target', architecture];
    this.run(['/usr/bin/rpmbuild', '-bb', '--quiet', '--define', `_topdir ${this.folder}/build`, ...target, spec]);
    return join(this.folder, 'build/RPMS', architecture, `${name}-${version}-${release}.${architecture}.rpm`);
  }

  /** A root whose rpm database says that the packages are installed; without their files. */
  database(root: string, packages: string[]): string {
    const folder = join(this.folder, root);
    mkdirSync(join(folder, 'var/lib/rpm'), {recursive: true});
    this.rpm(root, [
      '-i',
      '--force-debian',
      '--justdb',
      '--nodeps',
      '--nosignature',
      '--ignorearch',
      '--ignoreos',
      '--force',
      ...packages,
    ]);
    return folder;
  }

  rpm(root: string, args: string[]): string {
    return this.run(['/usr/bin/rpm', '--dbpath', join(this.folder, root, 'var/lib/rpm'), ...args]);
  }

  remove(): void {
    rmSync(this.folder, {recursive: true, force: true});
  }
}

/** True, with the reason logged, when one of the programs is not there: apt-get install rpm createrepo-c dnf. */
export function lacks(t: ExecutionContext, ...programs: string[]): boolean {
  const missing = programs.filter(program => !existsSync(program));
  if (missing.length === 0) return false;
  t.log(`skipped: ${missing.join(' and ')} not installed`);
  t.pass();
  return true;
}
