import {execFileSync} from 'node:child_process';
import test from 'ava';
import {readAptUpdates} from '../../../../../agent/host/facts/apt/updates.ts';
import {collectFacts} from '../../../../../agent/host/facts/collect.ts';
import {readDpkgPackages} from '../../../../../agent/host/facts/dpkg/status.ts';
import {localHost} from '../../../../../agent/host/local/host.ts';
import type {PackagesFact} from '../../../../../policies/facts/packages.ts';
import type {UpdatesFact} from '../../../../../policies/facts/patch.ts';
import {compareVersions} from '../../../../../policies/version.ts';
import {bookworm, bookwormSecurity, installed, type RepositoryFixture, stanza} from '../../../../helpers/apt.ts';
import {type AptRoot, makeAptRoot} from '../../../../helpers/apt-root.ts';
import {seeded} from '../../../../helpers/random.ts';

const names = Array.from({length: 30}, (_, index) => `p${index}`);

/** Thirty packages, each installed and listed in some of four repositories in versions near each other. */
function randomMachine(seed: number): {status: string; repositories: RepositoryFixture[]} {
  const below = seeded(seed);
  const version = () => `${below(3)}.${below(4)}${['', '~rc1', '-1', '-1+deb12u1', '-1~bpo12+1'][below(5)]}`;
  const source = (name: string) => (below(3) === 0 ? {Source: `s${name}`} : {});
  const some = () =>
    names
      .filter(() => below(10) < 7)
      .map(name => stanza(name, version(), source(name)))
      .join('');
  const status = [
    installed('dpkg', '1.21.22'),
    ...names.map(name =>
      installed(name, version(), {Status: `${below(8) === 0 ? 'hold' : 'install'} ok installed`, ...source(name)}),
    ),
  ].join('');
  const repositories = [
    bookworm(some(), {uri: 'main'}),
    bookwormSecurity(some(), {uri: 'security'}),
    bookworm(some(), {
      uri: 'backports',
      suite: 'bookworm-backports',
      fields: {
        Origin: 'Debian Backports',
        Label: 'Debian Backports',
        Suite: 'oldstable-backports',
        Codename: 'bookworm-backports',
        NotAutomatic: 'yes',
        ButAutomaticUpgrades: 'yes',
      },
    }),
    bookworm(some(), {
      uri: 'experimental',
      suite: 'experimental',
      fields: {Origin: 'Debian', Label: 'Debian', Suite: 'experimental', Codename: 'rc-buggy', NotAutomatic: 'yes'},
    }),
  ];
  return {status, repositories};
}

const preferences = [
  '',
  'Package: *\nPin: release n=bookworm-backports\nPin-Priority: 600\n',
  '# first\n\nExplanation: text\nPackage: *\nPin: release l=Debian-Security\nPin-Priority: never\n',
  'Package: p1 p2 p1?\nPin: version *deb12*\nPin-Priority: 1001\n\nPackage: *\nPin: release a=oldstable\nPin-Priority: -1\n',
  'Package: /^p2.$/\nPin: release a=experimental\nPin-Priority: 990\n\nPackage: src:sp*\nPin: release o=Debian, l=Debian-Security\nPin-Priority: 50\n',
  'Package: *\nPin: origin ""\nPin-Priority: 80\n\nPackage: p3:amd64 p4:i386 p5:any\nPin: version 2.*\nPin-Priority: 700\n',
  'Package: *\nPin: release a=now\nPin-Priority: 1100\n\nPackage: p[0-5]\nPin: release v=12.*\nPin-Priority: 1200\n',
  'Package: p*\nPin: release bookworm\nPin-Priority: 995\n\nPackage: p1*\nPin: release c=main\nPin-Priority: -10\n',
];
const configurations = [
  '',
  '',
  'APT::Default-Release "bookworm-backports";',
  '',
  'APT { Default-Release "/^oldstable$/"; }; // end',
  '',
  '/* none */',
  'APT::Default-Release "experimental";',
];

async function lookAt(root: string): Promise<{packages: PackagesFact; updates: UpdatesFact}> {
  const host = localHost(root);
  const packages = await readDpkgPackages(host);
  if (packages.state !== 'seen') throw new Error(packages.reason);
  const updates = await readAptUpdates(host, packages.value, null);
  if (updates.state !== 'seen') throw new Error(updates.reason);
  return {packages: packages.value, updates: updates.value};
}

/** Package → candidate, of those that apt would raise. */
function upgradesByApt(policy: string): Map<string, string> {
  const upgrades = new Map<string, string>();
  for (const [, name, version, candidate] of policy.matchAll(/^(\S+):\n {2}Installed: (.*)\n {2}Candidate: (.*)\n/gm)) {
    if (candidate !== '(none)' && compareVersions(candidate as string, version as string) > 0)
      upgrades.set((name as string).split(':')[0] as string, candidate as string);
  }
  return upgrades;
}

const upgradesOf = ({pending}: UpdatesFact) =>
  new Map(
    pending
      .filter(({installed: from, candidate}) => compareVersions(candidate, from) > 0)
      .map(({package: name, candidate}) => [name, candidate]),
  );

test('readAptUpdates() finds the candidates that apt-cache policy finds, under all kinds of pins', async t => {
  let pinned = 0;
  for (const [index, text] of preferences.entries()) {
    const {status, repositories} = randomMachine(index + 1);
    const root: AptRoot = makeAptRoot(status, repositories);
    try {
      root.write('/etc/apt/preferences.d/10-test', text);
      root.write('/etc/apt/apt.conf.d/20test', configurations[index] as string);
      const {updates} = await lookAt(root.path);
      const wanted = upgradesByApt(root.apt('/usr/bin/apt-cache', 'policy', ...names));
      t.deepEqual(
        upgradesOf(updates),
        new Map([...wanted].sort(([a], [b]) => (a < b ? -1 : 1))),
        `preferences ${index}: ${text}`,
      );
      pinned += updates.pending.filter(update => update.pinned).length;
    } finally {
      root.remove();
    }
  }
  t.true(pinned > 0);
});

test('readAptUpdates() finds what apt-get dist-upgrade would upgrade, with holds and phased updates apart', async t => {
  const {status, repositories} = randomMachine(99);
  const [main] = repositories as [RepositoryFixture];
  const phased = names
    .map((name, index) => stanza(name, '9.0', {'Phased-Update-Percentage': String(index * 3)}))
    .join('');
  const root = makeAptRoot(status, [{...main, packages: phased}]);
  try {
    root.write('/etc/machine-id', '0123456789abcdef0123456789abcdef\n');
    root.write('/etc/apt/apt.conf.d/20test', 'Dir::Bin::ischroot "/bin/false";\n');
    const {updates} = await lookAt(root.path);
    const inst = [...root.apt('/usr/bin/apt-get', '-s', 'dist-upgrade').matchAll(/^Inst (\S+) \[/gm)].map(
      ([, name]) => name as string,
    );
    const mine = updates.pending.filter(({held, phased: waits}) => !held && !waits).map(update => update.package);
    t.deepEqual(mine, inst.sort());
    t.true(
      updates.pending.some(update => update.phased) && updates.pending.some(update => update.held) && mine.length > 0,
    );
  } finally {
    root.remove();
  }
});

test('readAptUpdates() agrees with apt-cache policy on every package of this machine', async t => {
  const {facts} = await collectFacts(localHost('/'), [{fact: 'packages'}, {fact: 'updates'}]);
  const [packages, updates] = [facts.get({fact: 'packages'}), facts.get({fact: 'updates'})];
  if (packages.state !== 'seen' || packages.value.manager !== 'dpkg') {
    t.log('skipped: dpkg is not installed');
    t.pass();
    return;
  }
  if (updates.state !== 'seen') return t.fail(updates.reason);
  const present = packages.value.packages
    .filter(({installed: there}) => there)
    .map(
      ({name, architecture}) => `${name}:${architecture === 'all' ? packages.value.nativeArchitecture : architecture}`,
    );
  const policy = execFileSync('/usr/bin/apt-cache', ['policy', ...present], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: {LC_ALL: 'C', PATH: '/usr/bin:/bin'},
  });
  t.true([...policy.matchAll(/^ {2}Candidate:/gm)].length >= present.length);
  t.deepEqual(upgradesOf(updates.value), upgradesByApt(policy));
  if (updates.value.metadata.sources.every(({fetchedAt}) => fetchedAt === null))
    t.true(updates.value.securityUnknown.length > 0);
});
