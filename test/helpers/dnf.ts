import {cpSync, mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {RpmLab} from './rpm.ts';

export type Advisory = {
  id: string;
  type: string;
  issued?: string;
  packages: Array<{
    name: string;
    epoch?: number;
    version: string;
    release: string;
    architecture?: string;
    reboot?: boolean;
  }>;
  /** `name:stream` */
  module?: string;
};

/** A repository as createrepo_c makes it, with advisories and modules when they are given. The folder's path. */
export function makeRepository(
  lab: RpmLab,
  id: string,
  packages: string[],
  extra: {advisories?: Advisory[]; modules?: string; options?: string[]} = {},
): string {
  const folder = join(lab.folder, 'repositories', id);
  mkdirSync(folder, {recursive: true});
  for (const path of packages) cpSync(path, join(folder, path.slice(path.lastIndexOf('/') + 1)));
  lab.run(['/usr/bin/createrepo_c', '--quiet', '--no-database', ...(extra.options ?? []), folder]);
  if (extra.advisories !== undefined)
    addMetadata(lab, folder, 'updateinfo', 'updateinfo.xml', updateinfo(extra.advisories));
  if (extra.modules !== undefined) addMetadata(lab, folder, 'modules', 'modules.yaml', extra.modules);
  return folder;
}

function addMetadata(lab: RpmLab, folder: string, type: string, name: string, text: string): void {
  const path = join(lab.folder, name);
  writeFileSync(path, text);
  lab.run(['/usr/bin/modifyrepo_c', '--mdtype', type, path, join(folder, 'repodata')]);
}

/** Lays the repository's metadata into a root's cache, as dnf does when it has fetched it. */
export function cacheRepository(root: string, id: string, repository: string): void {
  cpSync(join(repository, 'repodata'), join(root, 'var/cache/dnf', `${id}-0123456789abcdef`, 'repodata'), {
    recursive: true,
  });
}

function updateinfo(advisories: Advisory[]): string {
  const updates = advisories.map(({id, type, issued = '2026-10-01 00:00:00', packages, module}) => {
    const [name, stream] = module?.split(':') ?? [];
    const lines = packages.map(
      ({name: own, epoch = 0, version, release, architecture = 'x86_64', reboot}) =>
        `<package name="${own}" epoch="${epoch}" version="${version}" release="${release}" arch="${architecture}"><filename>${own}-${version}-${release}.${architecture}.rpm</filename>${reboot ? '<reboot_suggested>True</reboot_suggested>' : ''}</package>`,
    );
    const context =
      module === undefined
        ? ''
        : `<module name="${name}" stream="${stream}" version="1" context="abcd" arch="x86_64"/>`;
    return `<update from="a@b" status="final" type="${type}" version="1"><id>${id}</id><title>${id} &amp; co</title><issued date="${issued}"/><updated date="${issued}"/><severity>Important</severity><description>text</description><pkglist><collection short="c"><name>c</name>${context}${lines.join('')}</collection></pkglist></update>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<updates>\n${updates.join('\n')}\n</updates>\n`;
}

/** One stream of a module, as modulemd 2 writes it. */
export function moduleStream(name: string, stream: string, version: number, artifacts: string[]): string {
  return `---
document: modulemd
version: 2
data:
  name: ${name}
  stream: "${stream}"
  version: ${version}
  context: abcd
  arch: x86_64
  summary: ${name}
  description: >-
    ${name} ${stream}
  license:
    module:
    - MIT
  profiles:
    common:
      rpms:
      - ${name}
  artifacts:
    rpms:
${artifacts.map(artifact => `    - ${artifact}`).join('\n')}
...
`;
}
