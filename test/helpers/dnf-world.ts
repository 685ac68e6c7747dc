import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {makeRepository, moduleStream} from './dnf.ts';
import {RpmLab, type RpmSpec} from './rpm.ts';

const x86 = (name: string, version: string, release: string, more: Partial<RpmSpec> = {}): RpmSpec => ({
  name,
  version,
  release,
  architecture: 'x86_64',
  ...more,
});
const label = (stream: number) => `nodejs:${stream}:1:abcd`;

export type DnfWorld = {lab: RpmLab; root: string; repositories: Map<string, string>};

/** A root with eight packages, and three repositories: base with advisories and modules, third without any, and one that is off. */
export function buildDnfWorld(): DnfWorld {
  const lab = new RpmLab();
  const build = (spec: RpmSpec) => lab.build(spec);
  const kernel503 = build(x86('kernel-core', '5.14.0', '503.el9'));
  const root = lab.database('root', [
    build(x86('openssl', '3.0.7', '18.el9', {epoch: 1})),
    build(x86('bash', '5.1', '1.el9')),
    build(x86('kernel-core', '5.14.0', '427.el9')),
    kernel503,
    build(x86('nodejs', '18.1', '1.module_el9', {epoch: 1, module: label(18)})),
    build({name: 'tool', version: '1.0', release: '1'}),
    build(x86('locked', '1', '1')),
    build({name: 'current', version: '1', release: '1'}),
  ]);
  const base = makeRepository(
    lab,
    'base',
    [
      build(x86('openssl', '3.0.7', '20.el9', {epoch: 1})),
      build(x86('openssl', '3.0.7', '25.el9', {epoch: 1})),
      build(x86('bash', '5.1', '2.el9')),
      kernel503,
      build(x86('kernel-core', '5.14.0', '570.el9')),
      build(x86('nodejs', '18.2', '1.module_el9', {epoch: 1, module: label(18)})),
      build(x86('nodejs', '20.1', '1.module_el9', {epoch: 1, module: label(20)})),
      build(x86('locked', '2', '1')),
    ],
    {
      advisories: [
        {
          id: 'RLSA-1',
          type: 'security',
          issued: '2026-10-03 10:00:00',
          packages: [{name: 'openssl', epoch: 1, version: '3.0.7', release: '20.el9'}],
        },
        {id: 'RLBA-2', type: 'bugfix', packages: [{name: 'openssl', epoch: 1, version: '3.0.7', release: '25.el9'}]},
        {id: 'RHSA-3', type: 'bugfix', packages: [{name: 'bash', version: '5.1', release: '2.el9'}]},
        {id: 'RLSA-4', type: 'security', packages: [{name: 'kernel-core', version: '5.14.0', release: '503.el9'}]},
        {
          id: 'FEDORA-5',
          type: 'security',
          issued: '2026-11-01 00:00:00',
          packages: [{name: 'kernel-core', version: '5.14.0', release: '570.el9', reboot: true}],
        },
        {
          id: 'RLSA-6',
          type: 'security',
          module: 'nodejs:18',
          packages: [{name: 'nodejs', epoch: 1, version: '18.2', release: '1.module_el9'}],
        },
        {
          id: 'RLSA-7',
          type: 'security',
          module: 'nodejs:20',
          packages: [{name: 'nodejs', epoch: 1, version: '20.1', release: '1.module_el9'}],
        },
        {id: 'RLSA-8', type: 'security', packages: [{name: 'locked', version: '2', release: '1'}]},
        {id: 'RLSA-9', type: 'security', packages: [{name: 'openssl', epoch: 1, version: '3.0.7', release: '99.el9'}]},
      ],
      modules:
        moduleStream('nodejs', '18', 1, ['nodejs-1:18.1-1.module_el9.x86_64']) +
        moduleStream('nodejs', '18', 2, ['nodejs-1:18.2-1.module_el9.x86_64']) +
        moduleStream('nodejs', '20', 1, ['nodejs-1:20.1-1.module_el9.x86_64']),
    },
  );
  const third = makeRepository(lab, 'third', [
    build({name: 'tool', version: '1.1', release: '1'}),
    build({name: 'unrelated', version: '1', release: '1'}),
  ]);
  const off = makeRepository(lab, 'off', [build(x86('bash', '9', '1'))]);
  const repositories = new Map([
    ['base', base],
    ['third', third],
    ['off', off],
  ]);
  for (const folder of ['etc/dnf/modules.d', 'etc/dnf/plugins', 'etc/yum.repos.d'])
    mkdirSync(join(root, folder), {recursive: true});
  writeFileSync(join(root, 'etc/dnf/dnf.conf'), '[main]\ngpgcheck=0\nplugins=0\nexcludepkgs=locked\n');
  writeFileSync(
    join(root, 'etc/dnf/modules.d/nodejs.module'),
    '[nodejs]\nname=nodejs\nstream=18\nprofiles=\nstate=enabled\n',
  );
  const sections = [...repositories].map(
    ([id, folder]) => `[${id}]\nname=${id}\nbaseurl=file://${folder}\nenabled=${id === 'off' ? 0 : 1}\n`,
  );
  writeFileSync(join(root, 'etc/yum.repos.d/all.repo'), sections.join('\n'));
  return {lab, root, repositories};
}
