import test from 'ava';
import {collectFacts} from '../../../../../agent/host/facts/collect.ts';
import type {Fixture} from '../../../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../../../agent/host/memory/host.ts';
import type {Answer} from '../../../../../policies/facts/answer.ts';
import type {PendingUpdate, UpdatesFact} from '../../../../../policies/facts/patch.ts';
import {aptMachine, bookworm, bookwormSecurity, installed, noble, stanza} from '../../../../helpers/apt.ts';

async function lookAt(fixture: Fixture): Promise<Answer<UpdatesFact>> {
  const {facts} = await collectFacts(memoryHost(fixture), [{fact: 'updates'}]);
  return facts.get({fact: 'updates'});
}

async function updatesOf(fixture: Fixture): Promise<UpdatesFact> {
  const answer = await lookAt(fixture);
  if (answer.state !== 'seen') throw new Error(`${answer.state}: ${answer.reason}`);
  return answer.value;
}

async function only(fixture: Fixture): Promise<PendingUpdate> {
  const {pending, securityUnknown} = await updatesOf(fixture);
  if (pending.length !== 1 || securityUnknown.length > 0) throw new Error(JSON.stringify({pending, securityUnknown}));
  return pending[0] as PendingUpdate;
}

const ssh = installed('openssh-client', '1:9.2p1-2+deb12u6');
const fixed = stanza('openssh-client', '1:9.2p1-2+deb12u9');
const newer = stanza('openssh-client', '1:9.2p1-2+deb12u10');

test('collectUpdates() finds a security update, with what is known of its age', async t => {
  const update = await only(aptMachine('bookworm', ssh, [bookworm(''), bookwormSecurity(fixed)]));
  t.deepEqual(update, {
    package: 'openssh-client',
    architecture: 'amd64',
    installed: '1:9.2p1-2+deb12u6',
    candidate: '1:9.2p1-2+deb12u9',
    origin: 'Debian-Security bookworm-security',
    security: true,
    securityVersion: '1:9.2p1-2+deb12u9',
    advisories: [],
    publishedAt: null,
    publishedBy: '2026-11-21T06:00:00.000Z',
    held: false,
    pinned: false,
    phased: false,
    masked: false,
  });
});

test('collectUpdates() counts a security update behind a newer candidate of a point release, published by then', async t => {
  const update = await only(aptMachine('bookworm', ssh, [bookworm(newer), bookwormSecurity(fixed)]));
  t.like(update, {candidate: '1:9.2p1-2+deb12u10', origin: 'Debian bookworm', security: true, masked: true});
  t.like(update, {securityVersion: '1:9.2p1-2+deb12u9', publishedBy: '2026-07-11T10:00:00.000Z'});
});

test('collectUpdates() takes an ordinary update for no security update', async t => {
  const update = await only(aptMachine('bookworm', ssh, [bookworm(newer), bookwormSecurity('')]));
  t.like(update, {security: false, securityVersion: null, masked: false, publishedBy: null});
});

test('collectUpdates() finds nothing pending where the installed version is the newest', async t => {
  const {pending, securityUnknown, notes} = await updatesOf(
    aptMachine('bookworm', ssh, [bookworm(''), bookwormSecurity(stanza('openssh-client', '1:9.2p1-2+deb12u6'))]),
  );
  t.deepEqual({pending, securityUnknown, notes}, {pending: [], securityUnknown: [], notes: []});
});

test('collectUpdates() names held packages', async t => {
  const held = installed('openssh-client', '1:9.2p1-2+deb12u6', {Status: 'hold ok installed'});
  t.like(await only(aptMachine('bookworm', held, [bookwormSecurity(fixed)])), {held: true, security: true});
});

test('collectUpdates() shows a security version that a pin keeps away', async t => {
  const files = {
    '/etc/apt/preferences.d/pin': 'Package: openssh-*\nPin: release l=Debian-Security\nPin-Priority: -1\n',
  };
  const update = await only(aptMachine('bookworm', ssh, [bookwormSecurity(fixed)], files));
  t.like(update, {pinned: true, security: true, candidate: '1:9.2p1-2+deb12u6', securityVersion: '1:9.2p1-2+deb12u9'});
});

test('collectUpdates() leaves out removed packages and counts those that were left half-way', async t => {
  const status =
    installed('gone', '1', {Status: 'deinstall ok config-files'}) +
    installed('half', '1', {Status: 'install ok unpacked'});
  const {pending} = await updatesOf(
    aptMachine('bookworm', status, [bookwormSecurity(stanza('gone', '2') + stanza('half', '2'))]),
  );
  t.deepEqual(
    pending.map(update => update.package),
    ['half'],
  );
});

test('collectUpdates() takes packages of all architectures for its own, and foreign ones apart', async t => {
  const status =
    installed('data', '1', {Architecture: 'all'}) +
    installed('libc6', '1') +
    installed('libc6', '1', {Architecture: 'i386'});
  const lists = stanza('data', '2') + stanza('libc6', '2', {Architecture: 'i386'});
  const {pending} = await updatesOf(aptMachine('bookworm', status, [bookwormSecurity(lists)]));
  t.deepEqual(
    pending.map(update => `${update.package}:${update.architecture}`),
    ['data:all', 'libc6:i386'],
  );
});

test("collectUpdates() knows Ubuntu's security pocket by its suite, and Ubuntu Pro's", async t => {
  const status = installed('a', '1') + installed('b', '1') + installed('c', '1') + installed('d', '1');
  const esm = (name: string, suite: string, packages: string) =>
    noble('', packages, {
      uri: `https://esm.ubuntu.com/${name}/ubuntu`,
      suite,
      fields: {
        Origin: name === 'apps' ? 'UbuntuESMApps' : 'UbuntuESM',
        Label: 'UbuntuESM',
        Suite: suite,
        Codename: 'noble',
      },
    });
  const {pending, securityUnknown} = await updatesOf(
    aptMachine('noble', status, [
      noble('-updates', stanza('a', '2')),
      noble('-security', stanza('b', '2')),
      esm('apps', 'noble-apps-security', stanza('c', '2~esm1')),
      esm('infra', 'noble-infra-updates', stanza('d', '2~esm1')),
    ]),
  );
  t.deepEqual(securityUnknown, []);
  t.deepEqual(
    pending.map(update => `${update.package} ${update.security}`),
    ['a false', 'b true', 'c true', 'd false'],
  );
});

test('collectUpdates() tells the phased updates whose turn on this machine has not come', async t => {
  const status = installed('a', '1') + installed('b', '1') + installed('c', '1');
  const phased = (name: string, percentage: string) => stanza(name, '2', {'Phased-Update-Percentage': percentage});
  const machine = aptMachine(
    'noble',
    status,
    [
      noble('-updates', phased('a', '0') + phased('b', '100') + phased('c', '0')),
      noble('-security', stanza('c', '1.5')),
    ],
    {
      '/etc/machine-id': '0123456789abcdef0123456789abcdef\n',
    },
  );
  const shown = async (config: string) => {
    const {pending} = await updatesOf({...machine, files: {...machine.files, '/etc/apt/apt.conf': config}});
    return pending.map(update => `${update.package} ${update.phased}`);
  };
  t.deepEqual(await shown(''), ['a true', 'b false', 'c false']);
  t.deepEqual(await shown('APT::Get::Always-Include-Phased-Updates "true";'), ['a false', 'b false', 'c false']);
});

test('collectUpdates() says when lists were fetched and dated, by the oldest security repository', async t => {
  const second = bookwormSecurity('', {
    uri: 'http://mirror.example/debian-security',
    date: 'Wed, 18 Nov 2026 06:00:00 UTC',
  });
  const machine = aptMachine('bookworm', ssh, [bookworm(''), bookwormSecurity(''), second]);
  const path = '/var/lib/apt/lists/deb.debian.org_debian-security_dists_bookworm-security_InRelease';
  const files = {
    ...machine.files,
    [path]: {content: machine.files?.[path] as string, modified: '2026-11-21T10:00:00Z'},
  };
  const {metadata} = await updatesOf({...machine, files});
  t.like(metadata, {
    fetchedAt: '2026-11-18T06:00:00.000Z',
    releasedAt: '2026-11-18T06:00:00.000Z',
    validUntil: '2026-11-28T06:00:00.000Z',
  });
  t.deepEqual(
    metadata.sources.map(({name, security, fetchedAt}) => ({name, security, fetchedAt})),
    [
      {name: 'Debian bookworm', security: false, fetchedAt: '2026-07-11T10:00:00.000Z'},
      {name: 'Debian-Security bookworm-security', security: true, fetchedAt: '2026-11-21T10:00:00.000Z'},
      {name: 'Debian-Security bookworm-security', security: true, fetchedAt: '2026-11-18T06:00:00.000Z'},
    ],
  );
});

const list = '/var/lib/apt/lists/deb.debian.org_debian-security_dists_bookworm-security_main_binary-amd64_Packages';
const release = '/var/lib/apt/lists/deb.debian.org_debian-security_dists_bookworm-security_InRelease';
const whole = aptMachine('bookworm', ssh, [bookworm(''), bookwormSecurity(fixed)]);

for (const [what, files, reason] of [
  [
    'no security repository',
    {'/etc/apt/sources.list': 'deb http://deb.debian.org/debian bookworm main\n'},
    /no security repository/,
  ],
  ['no repository at all', {'/etc/apt/sources.list': null}, /no security repository/],
  ['lists that were never fetched', {[list]: null, [release]: null}, /never fetched/],
  ['no lists directory', {'/var/lib/apt/lists': null}, /never fetched/],
  ['an index that was not fetched', {[list]: null}, /main\/binary-amd64\/Packages of .* was not fetched/],
  ['a truncated index', {[list]: fixed.slice(0, -40)}, /SHA256 is not the one/],
  ['an index with other bytes', {[list]: fixed.replace('deb12u9', 'deb12u1')}, /SHA256 is not the one/],
  ['an index that cannot be read', {[list]: {content: fixed, read_error: 'EIO'}}, /input\/output error/],
  ['a damaged packed index', {[list]: null, [`${list}.lz4`]: 'not lz4'}, /not an LZ4 frame/],
  ['a damaged gzip index', {[list]: null, [`${list}.gz`]: 'not gzip'}, /Packages\.gz: incorrect header check/],
  ['a cut Zstandard index', {[list]: null, [`${list}.zst`]: {base64: 'KLUv/QRYEQAA'}}, /cannot (?:read|unpack) /],
  ['an index that only xz unpacks, without xz', {[list]: null, [`${list}.xz`]: 'x'}, /xz: it is not installed/],
  ['a damaged Release file', {[release]: 'garbage'}, /is damaged/],
  [
    'a cut Release file',
    {[release]: '-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nOrigin: Debian\n'},
    /is damaged/,
  ],
  [
    'the security repository of another release',
    {
      [release]:
        'Origin: Debian\nLabel: Debian-Security\nSuite: stable-security\nCodename: trixie-security\nDate: Sat, 21 Nov 2026 06:00:00 UTC\n',
    },
    /not for this release, bookworm/,
  ],
] as const) {
  test(`collectUpdates() does not know the security updates with ${what}`, async t => {
    const kept = Object.entries({...whole.files, ...files}).filter(
      ([path, value]) => value !== null && !('/var/lib/apt/lists' in files && path.startsWith('/var/lib/apt/lists')),
    );
    const {securityUnknown} = await updatesOf({...whole, files: Object.fromEntries(kept)});
    t.regex(securityUnknown.join('; '), reason);
  });
}

for (const [what, files, reason] of [
  [
    'a broken line in sources.list',
    {'/etc/apt/sources.list': 'deb http://deb.debian.org/debian\n'},
    /sources\.list: line 1/,
  ],
  [
    'a broken .sources file',
    {'/etc/apt/sources.list.d/a.sources': 'Types: deb\nURIs: http://x\n'},
    /a\.sources: the stanza at line 1 lacks/,
  ],
  ['sources that cannot be read', {'/etc/apt/sources.list.d/a.list': {error: 'EACCES'}}, /permission denied/],
  [
    'apt.conf with an open quote',
    {'/etc/apt/apt.conf.d/90x': 'APT::Default-Release "stable;\n'},
    /90x: line 1: a quote/,
  ],
  [
    'apt.conf that moves the lists',
    {'/etc/apt/apt.conf': 'Dir::State::lists "/srv/lists";'},
    /apt\.conf:1 says "\/srv\/lists"/,
  ],
  [
    'preferences without a priority',
    {'/etc/apt/preferences': 'Package: *\nPin: release a=stable\n'},
    /no valid Pin-Priority/,
  ],
  [
    'preferences with a wild expression',
    {'/etc/apt/preferences': 'Package: /(a+)+$/\nPin: version 1\nPin-Priority: 1\n'},
    /expression that reeve does not follow/,
  ],
  ['preferences with NUL bytes', {'/etc/apt/preferences.d/x': 'Package: *\0'}, /NUL bytes/],
  [
    'lists that may not be listed',
    {'/var/lib/apt/lists/': {read_error: 'EACCES'}},
    /cannot list \/var\/lib\/apt\/lists/,
  ],
] as const) {
  test(`collectUpdates() cannot look with ${what}`, async t => {
    const answer = await lookAt({...whole, files: {...whole.files, ...files}});
    t.is(answer.state, 'unseen');
    t.regex(answer.state === 'unseen' ? answer.reason : '', reason);
  });
}

test('collectUpdates() notes an ordinary repository that it cannot read, and goes on', async t => {
  const main = '/var/lib/apt/lists/deb.debian.org_debian_dists_bookworm_main_binary-amd64_Packages';
  const {pending, securityUnknown, notes} = await updatesOf({...whole, files: {...whole.files, [main]: 'damaged\n'}});
  t.is(pending.length, 1);
  t.deepEqual(securityUnknown, []);
  t.regex(notes.join(), /cannot (?:read|unpack|trust)/);
});

test('collectUpdates() is absent without a package manager', async t => {
  t.is((await lookAt({files: {}})).state, 'absent');
});
