import test from 'ava';
import {localHost} from '../../agent/host/local/host.ts';
import type {Fixture} from '../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../agent/host/memory/host.ts';
import {patchReport} from '../../agent/patch.ts';
import {aptMachine, bookworm, bookwormSecurity, installed, stanza} from '../helpers/apt.ts';

const distroInfo =
  'version,codename,series,created,release,eol,eol-lts,eol-elts\n12,Bookworm,bookworm,2021-08-14,2023-06-10,2026-07-11,2028-06-30,2033-06-30\n';
const machine = (files: NonNullable<Fixture['files']> = {}): Fixture =>
  aptMachine(
    'bookworm',
    installed('openssh-client', '1:9.2p1-2+deb12u6') +
      installed('libssl3', '3.0.11-1', {Status: 'hold ok installed'}) +
      installed('vim', '1'),
    [
      bookworm(stanza('openssh-client', '1:9.2p1-2+deb12u10') + stanza('vim', '2')),
      bookwormSecurity(stanza('openssh-client', '1:9.2p1-2+deb12u9') + stanza('libssl3', '3.0.15-1')),
    ],
    {'/usr/share/distro-info/debian.csv': distroInfo, '/proc/version': 'Linux', '/.dockerenv': '', ...files},
  );

test('patchReport() shows updates with versions and ages, metadata, kernel, services, support', async t => {
  const {text, verdictUnknown, json} = await patchReport(memoryHost(machine()), {});
  t.deepEqual(text, [
    'Updates',
    '  2 security updates pending, 1 other, 1 held, 1 masked',
    '  libssl3         3.0.11-1 → 3.0.15-1  ≥ 0 days  held',
    '  openssh-client  1:9.2p1-2+deb12u6 → 1:9.2p1-2+deb12u9  ≥ 133 days  masked',
    '',
    'Metadata',
    '  fetched    6 hours ago, 2026-11-21T06:00:00.000Z',
    '  source     Debian bookworm: of 2026-07-11T10:00:00.000Z',
    '  security   Debian-Security bookworm-security: of 2026-11-21T06:00:00.000Z,',
    '             valid until 2026-11-28T06:00:00.000Z',
    '',
    'Reboot and kernel',
    "  this is a container (docker): its kernel is the host's",
    '',
    'Services on deleted libraries',
    '  none of 0 processes that were looked at',
    '',
    'Support',
    '  release    Debian GNU/Linux 12 (bookworm)',
    '  regular    ended 133 days ago, 2026-07-11',
    '  lts        587 days, 2028-06-30',
    '  paid       2413 days, 2033-06-30',
    '  by         /usr/share/distro-info/debian.csv',
    '',
    'Automatic updates',
    '  unattended-upgrades is not installed',
  ]);
  t.false(verdictUnknown);
  t.like(JSON.parse(JSON.stringify(json)), {
    observedAt: '2026-11-21T12:00:00.000Z',
    updates: {state: 'seen', value: {manager: 'apt'}},
    updatesUnknown: null,
  });
});

test('patchReport() says at once what is not known', async t => {
  const {text, verdictUnknown} = await patchReport(
    memoryHost(machine({'/etc/apt/sources.list': 'deb http://deb.debian.org/debian bookworm main\n'})),
    {},
  );
  t.true(verdictUnknown);
  t.true(text.includes('  not known for sure: no security repository of the vendor is configured in'));
  const damaged = await patchReport(memoryHost(machine({'/var/lib/dpkg/status': 'Package: a\n'})), {});
  t.true(damaged.verdictUnknown);
  t.regex(damaged.text.join('\n'), /Updates\n {2}not known: cannot read \/var\/lib\/dpkg\/status: it is damaged/);
});

test('patchReport() writes nothing raw that came from the host', async t => {
  const hostile = aptMachine('bookworm', installed('libssl3', '1'), [
    bookwormSecurity(stanza('libssl3', '2\u001b[2J')),
  ]);
  const {text} = await patchReport(memoryHost(hostile), {});
  t.regex(text.join('\n'), /1 → 2\\x1b\[2J/);
  t.false(text.some(line => line.includes('\u001b')));
});

test('patchReport() keeps to 80 columns on this machine, but for words that are longer', async t => {
  const {text} = await patchReport(localHost('/'), {});
  t.true(text.length > 10);
  t.deepEqual(
    text.filter(
      line =>
        line.length > 80 &&
        line
          .trim()
          .split(' ')
          .every(word => word.length < 60) &&
        !line.startsWith('      '),
    ),
    [],
  );
});
