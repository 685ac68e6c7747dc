import test from 'ava';
import {collectFacts} from '../../../../agent/host/facts/collect.ts';
import {readDnfAutomatic} from '../../../../agent/host/facts/dnf/automatic.ts';
import type {Fixture} from '../../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../../agent/host/memory/host.ts';
import type {AutoUpdatesFact} from '../../../../policies/facts/patch.ts';
import {aptMachine, bookworm, bookwormSecurity, installed, noble} from '../../../helpers/apt.ts';

const units = (...names: string[]): NonNullable<Fixture['files']> =>
  Object.fromEntries(
    names.flatMap(name => [
      [`/usr/lib/systemd/system/${name}`, ''],
      [`/etc/systemd/system/timers.target.wants/${name}`, {link: `/usr/lib/systemd/system/${name}`}],
    ]),
  );

const periodic = 'APT::Periodic::Update-Package-Lists "1";\nAPT::Periodic::Unattended-Upgrade "1";\n';
const debianOrigins = `Unattended-Upgrade::Origins-Pattern {\n  "origin=Debian,codename=\${distro_codename},label=Debian";\n  "origin=Debian,codename=\${distro_codename}-security,label=Debian-Security";\n};\n`;
const good = {
  '/etc/apt/apt.conf.d/20auto-upgrades': periodic,
  '/etc/apt/apt.conf.d/50unattended-upgrades': debianOrigins,
  ...units('apt-daily.timer', 'apt-daily-upgrade.timer'),
};
const status = installed('unattended-upgrades', '2.9');

async function lookAt(fixture: Fixture) {
  const {facts} = await collectFacts(memoryHost(fixture), [{fact: 'autoUpdates'}]);
  return facts.get({fact: 'autoUpdates'});
}

async function failing(
  files: NonNullable<Fixture['files']>,
  machine = aptMachine('bookworm', status, [bookworm(''), bookwormSecurity('')]),
): Promise<string[]> {
  const all = Object.entries({...machine.files, ...good, ...files}).filter(([, value]) => value !== null);
  const answer = await lookAt({...machine, files: Object.fromEntries(all)});
  if (answer.state !== 'seen') throw new Error(`${answer.state}: ${answer.reason}`);
  return shown(answer.value);
}

const shown = ({steps}: AutoUpdatesFact) =>
  steps.filter(({ok}) => ok !== true).map(({what, actual}) => `${what}: ${actual}`);

test('collectAutoUpdates() finds unattended-upgrades as Debian configures it', async t => {
  t.deepEqual(await failing({}), []);
});

for (const [what, files, wanted] of [
  [
    'no period',
    {'/etc/apt/apt.conf.d/20auto-upgrades': null},
    ['APT::Periodic::Update-Package-Lists: not set', 'APT::Periodic::Unattended-Upgrade: not set'],
  ],
  [
    'period 0',
    {'/etc/apt/apt.conf.d/99local': 'APT::Periodic::Unattended-Upgrade "0";'},
    ['APT::Periodic::Unattended-Upgrade: 0'],
  ],
  [
    'apt-daily switched off',
    {'/etc/apt/apt.conf.d/99local': 'APT::Periodic::Enable "0";'},
    ['APT::Periodic::Enable: 0'],
  ],
  [
    'a masked timer',
    {'/etc/systemd/system/apt-daily-upgrade.timer': {link: '/dev/null'}},
    ['apt-daily-upgrade.timer: masked'],
  ],
  [
    'a disabled timer',
    {'/etc/systemd/system/timers.target.wants/apt-daily.timer': null},
    ['apt-daily.timer: disabled'],
  ],
  [
    'origins without security',
    {
      '/etc/apt/apt.conf.d/50unattended-upgrades':
        'Unattended-Upgrade::Origins-Pattern { "origin=Debian,label=Debian"; };',
    },
    ['unattended-upgrades for Debian-Security bookworm-security: no origin pattern matches it'],
  ],
  [
    'no origins',
    {'/etc/apt/apt.conf.d/50unattended-upgrades': null},
    ['unattended-upgrades for Debian-Security bookworm-security: no origin pattern matches it'],
  ],
  [
    'lists that were never fetched',
    {'/var/lib/apt/lists/deb.debian.org_debian-security_dists_bookworm-security_InRelease': null},
    ['security repository: none was fetched'],
  ],
] as const) {
  test(`collectAutoUpdates() names what keeps updates from being installed: ${what}`, async t => {
    t.deepEqual(await failing(files as NonNullable<Fixture['files']>), [...wanted]);
  });
}

test('collectAutoUpdates() takes periods with units, and the word always', async t => {
  for (const value of ['always', '12h', '7', '1d'])
    t.deepEqual(await failing({'/etc/apt/apt.conf.d/20auto-upgrades': periodic.replaceAll('"1"', `"${value}"`)}), []);
});

test("collectAutoUpdates() knows Ubuntu's way of naming origins", async t => {
  const machine = aptMachine('noble', status, [noble('', ''), noble('-security', '')]);
  const origins = `Unattended-Upgrade::Allowed-Origins {\n"\${distro_id}:\${distro_codename}";\n"\${distro_id}:\${distro_codename}-security";\n};\n`;
  t.deepEqual(await failing({'/etc/apt/apt.conf.d/50unattended-upgrades': origins}, machine), []);
  const without = origins.replace('-security', '-updates');
  t.deepEqual(await failing({'/etc/apt/apt.conf.d/50unattended-upgrades': without}, machine), [
    'unattended-upgrades for Ubuntu noble-security: no origin pattern matches it',
  ]);
});

test('collectAutoUpdates() lets cron stand in where systemd has no timers', async t => {
  const machine = aptMachine('bookworm', status, [bookwormSecurity('')]);
  const files = Object.fromEntries(
    Object.entries({...machine.files, ...good}).filter(([path]) => !path.includes('/systemd/')),
  );
  const answer = await lookAt({...machine, files: {...files, '/etc/cron.daily/apt-compat': {mode: '0755'}}});
  t.deepEqual(answer.state === 'seen' ? shown(answer.value) : answer.reason, []);
});

test('collectAutoUpdates() is absent without unattended-upgrades, and unseen with a broken apt.conf', async t => {
  t.like(await lookAt(aptMachine('bookworm', '', [])), {
    state: 'absent',
    reason: 'unattended-upgrades is not installed',
  });
  t.like(await lookAt(aptMachine('bookworm', status, [], {'/etc/apt/apt.conf': 'A "'})), {state: 'unseen'});
});

const dnfPackages = {
  manager: 'rpm' as const,
  nativeArchitecture: 'x86_64',
  packages: [
    {
      name: 'dnf-automatic',
      version: '4.14',
      architecture: 'noarch',
      status: 'installed',
      installed: true,
      held: false,
      source: 'dnf',
      sourceVersion: '4.14',
    },
  ],
};
const commands = (text: string) => ({'/etc/dnf/automatic.conf': `[commands]\n${text}`});

for (const [what, files, wanted] of [
  [
    'installs with its own timer',
    {...commands('upgrade_type = default\napply_updates = no\n'), ...units('dnf-automatic-install.timer')},
    [],
  ],
  [
    'installs as configured',
    {...commands('upgrade_type = security\napply_updates = yes\n'), ...units('dnf-automatic.timer')},
    [],
  ],
  ['downloads alone', {...commands('apply_updates = no\n'), ...units('dnf-automatic.timer')}, ['apply_updates: no']],
  [
    'is not started',
    {...commands('apply_updates = yes\n'), '/usr/lib/systemd/system/dnf-automatic.timer': ''},
    ['timer: none is enabled'],
  ],
] as const) {
  test(`readDnfAutomatic() tells when dnf-automatic ${what}`, async t => {
    const answer = await readDnfAutomatic(memoryHost({files: files as NonNullable<Fixture['files']>}), dnfPackages);
    t.deepEqual(answer.state === 'seen' ? shown(answer.value) : answer.reason, [...wanted]);
  });
}

test('readDnfAutomatic() is absent without dnf-automatic', async t => {
  t.is((await readDnfAutomatic(memoryHost({files: {}}), {...dnfPackages, packages: []})).state, 'absent');
});
