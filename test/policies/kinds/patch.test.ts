import test from 'ava';
import {checkHost} from '../../../agent/check.ts';
import {memoryHost} from '../../../agent/host/memory/host.ts';
import {type Answer, absent, liveOnly, seen, unseen} from '../../../policies/facts/answer.ts';
import type {FactMap, Facts} from '../../../policies/facts/index.ts';
import type {
  AutoUpdatesFact,
  PendingUpdate,
  RebootFact,
  StaleLibrariesFact,
  SupportFact,
  UpdatesFact,
} from '../../../policies/facts/patch.ts';
import type {Judgement} from '../../../policies/finding.ts';
import {patchKind} from '../../../policies/kinds/patch.ts';
import {aptMachine, bookworm, bookwormSecurity, installed, stanza} from '../../helpers/apt.ts';
import {ruleOf} from '../../helpers/rule.ts';

const now = Date.parse('2026-11-21T12:00:00Z');
const ago = (days: number) => new Date(now - days * 86_400_000).toISOString();

const update = (name: string, change: Partial<PendingUpdate> = {}): PendingUpdate => ({
  package: name,
  architecture: 'amd64',
  installed: '1.0',
  candidate: '1.1',
  origin: 'Debian-Security bookworm-security',
  security: true,
  securityVersion: '1.1',
  advisories: [],
  publishedAt: null,
  publishedBy: ago(0.25),
  held: false,
  pinned: false,
  phased: false,
  masked: false,
  ...change,
});

const security = {
  name: 'Debian-Security bookworm-security',
  where: '/var/lib/apt/lists/x_InRelease',
  security: true,
  releasedAt: ago(0.25),
  validUntil: ago(-6),
  fetchedAt: ago(0.1),
};

function updates(
  pending: PendingUpdate[],
  change: Partial<UpdatesFact> = {},
  source: Partial<Omit<typeof security, 'validUntil'>> & {validUntil?: string | null} = {},
): {updates: Answer<UpdatesFact>} {
  const one = {...security, ...source};
  const metadata = {sources: [one], fetchedAt: one.fetchedAt, releasedAt: one.releasedAt, validUntil: one.validUntil};
  return {
    updates: seen({manager: 'apt', metadata, pending, securityUnknown: [], notes: [], ...change}, [
      '/var/lib/apt/lists',
    ]),
  };
}

type Answers = {[F in keyof FactMap]?: Answer<FactMap[F]['value']>};

function judgeRaw(check: object, answers: Answers): Judgement[] {
  const facts = {get: ({fact}: {fact: keyof FactMap}) => answers[fact]} as unknown as Facts;
  return patchKind.judge(check as never, facts, {now, rule: 'test'});
}
function judge(check: object, answers: Answers): Judgement[] {
  ruleOf('patch', check);
  return judgeRaw(check, answers);
}
const verdicts = (judgements: Judgement[]) =>
  judgements.map(({subject, verdict}) => `${subject} ${verdict}`).join(', ');
const reasonOf = ([first]: Judgement[]) => (first !== undefined && 'reason' in first ? first.reason : '');

const count = {security_pending_at_most: 0};
const days = {security_pending_days_at_most: 7};
const lists = {metadata_age_hours_at_most: 48};

for (const [what, check, answers, wanted] of [
  ['none pending', count, updates([]), 'security updates pass'],
  ['ordinary updates', count, updates([update('a', {security: false})]), 'security updates pass'],
  ['one pending', count, updates([update('a')]), 'security updates fail'],
  ['as many as allowed', {security_pending_at_most: 2}, updates([update('a'), update('b')]), 'security updates pass'],
  ['a masked one', count, updates([update('a', {masked: true})]), 'security updates fail'],
  ['a held one', count, updates([update('a', {held: true})]), 'security updates fail'],
  ['a pinned one', count, updates([update('a', {pinned: true})]), 'security updates pass'],
  ['no age with none pending', days, updates([]), 'age of security updates pass'],
  ['a known age within the limit', days, updates([update('a', {publishedAt: ago(6)})]), 'age of security updates pass'],
  ['a known age beyond it', days, updates([update('a', {publishedAt: ago(8)})]), 'age of security updates fail'],
  [
    'an age that is proved to be beyond it',
    days,
    updates([update('a', {publishedBy: ago(133)})]),
    'age of security updates fail',
  ],
  ['an age with a low bound only', days, updates([update('a')]), 'age of security updates unknown'],
  ['an age without any bound', days, updates([update('a', {publishedBy: null})]), 'age of security updates unknown'],
  ['fresh lists', lists, updates([]), 'package lists pass'],
  ['old lists', lists, updates([], {}, {fetchedAt: ago(3)}), 'package lists fail'],
  ['expired lists', lists, updates([], {}, {validUntil: ago(1)}), 'package lists fail'],
  ['no holds', {held_security: 'none'}, updates([update('a')]), 'held packages pass'],
  ['a hold', {held_security: 'none'}, updates([update('a', {held: true})]), 'held packages fail'],
  [
    'a hold of an ordinary update',
    {held_security: 'none'},
    updates([update('a', {held: true, security: false})]),
    'held packages pass',
  ],
  ['a pin', {held_security: 'none'}, updates([update('a', {pinned: true})]), 'held packages fail'],
] as const) {
  test(`patchKind judges ${what}: ${wanted}`, t => t.is(verdicts(judge(check, answers)), wanted));
}

for (const [what, answers, reason] of [
  [
    'no security repository',
    updates([], {securityUnknown: ['no security repository is configured']}),
    /^no security repository is configured$/,
  ],
  ['lists past Valid-Until', updates([], {}, {validUntil: ago(1)}), /out of date since .*: run apt-get update/],
  [
    'an old Release file of a vendor who sets no end',
    updates([], {}, {validUntil: null, releasedAt: ago(15)}),
    /more than 14 days ago/,
  ],
  ['an unseen database', {updates: unseen('damaged')}, /^damaged$/],
] as const) {
  test(`patchKind never counts 0 with ${what}`, t => {
    for (const check of [count, days, {held_security: 'none'}]) {
      const found = judge(check, answers as Answers);
      t.is(found[0]?.verdict, 'unknown');
      t.regex(reasonOf(found), reason);
    }
  });
}

test('patchKind makes the count unknown with lists older than the rule allows, unless they list too many', t => {
  const both = {...count, ...days, ...lists};
  t.is(
    verdicts(judge(both, updates([], {}, {fetchedAt: ago(3)}))),
    'security updates unknown, age of security updates unknown, package lists fail',
  );
  const [pending] = judge(both, updates([update('a')], {}, {fetchedAt: ago(3)}));
  t.like(pending, {verdict: 'fail', compared: [{actual: ['at least 1', 'a 1.0 → 1.1']}]});
  t.is(judge(lists, updates([], {}, {fetchedAt: null} as never))[0]?.verdict, 'unknown');
});

test('patchKind shows versions and ages, and what to run', t => {
  const [pending] = judge(count, updates([update('openssl', {installed: '3.0.11', securityVersion: '3.0.15'})]));
  t.like(pending, {
    compared: [{what: 'pending', expected: 'at most 0', actual: ['1', 'openssl 3.0.11 → 3.0.15']}],
    cure: 'apt-get update && apt-get install --only-upgrade openssl',
  });
  const many = Array.from({length: 30}, (_, index) => update(`p${index}`, {publishedAt: ago(index)}));
  const [aged] = judge(days, updates(many));
  const actual = aged !== undefined && 'compared' in aged ? (aged.compared[0]?.actual as string[]) : [];
  t.deepEqual([actual[0], actual[1], actual.at(-1)], ['22 older', 'p29 1.0 → 1.1, 29 days', '2 more']);
  t.regex(
    reasonOf(judge(days, updates([update('a')]))),
    /do not say since when these are published: a 1\.0 → 1\.1, at least 0 days/,
  );
});

test('patchKind finds nothing to judge without a manager that it reads', t => {
  for (const check of [count, days, lists, {held_security: 'none'}])
    t.is(judge(check, {updates: absent('no manager')})[0]?.verdict, 'none');
  t.is(
    judge({automatic: true}, {packages: absent('no manager'), autoUpdates: absent('no manager')})[0]?.verdict,
    'none',
  );
});

const reboot = (change: Partial<RebootFact>): Answers => ({
  reboot: seen(
    {
      required: false,
      reasons: [],
      runningKernel: '6.1.0-42-amd64',
      runningBuild: '#1 SMP',
      newestInstalledKernel: '6.1.0-42-amd64',
      sameReleaseNewBuild: false,
      bootDefault: null,
      livePatches: [],
      bootedAt: null,
      marker: null,
      notes: [],
      ...change,
    },
    ['/boot'],
  ),
});
const newer = {
  required: true,
  reasons: ['kernel 6.1.0-43-amd64 is installed, 6.1.0-42-amd64 runs'],
  newestInstalledKernel: '6.1.0-43-amd64',
};

for (const [what, answers, required, newest] of [
  ['up to date', reboot({}), 'pass', 'pass'],
  ['behind', reboot(newer), 'fail', 'fail'],
  ['in an older build', reboot({required: true, reasons: ['built anew'], sameReleaseNewBuild: true}), 'fail', 'fail'],
  [
    'not known',
    reboot({required: null, newestInstalledKernel: null, notes: ['no kernel was found']}),
    'unknown',
    'unknown',
  ],
  [
    'not known by its build',
    reboot({required: null, sameReleaseNewBuild: null, notes: ['cannot read /boot/vmlinuz']}),
    'unknown',
    'unknown',
  ],
  ['of a container', {reboot: absent('this is a container')}, 'not-applicable', 'not-applicable'],
  ['of an image', {reboot: liveOnly('whether it needs a restart')}, 'not-applicable', 'not-applicable'],
] as const) {
  test(`patchKind judges a kernel that is ${what}`, t => {
    t.is(judge({reboot_required: false}, answers)[0]?.verdict, required);
    t.is(judge({running_newest_kernel: true}, answers)[0]?.verdict, newest);
  });
}

const stale = (list: StaleLibrariesFact['stale'], unreadable: StaleLibrariesFact['unreadable'] = []): Answers => ({
  staleLibraries: seen({stale: list, scanned: 50, unreadable}, ['/proc']),
});
const onDeleted = (pid: number, unit: string | null, name = 'daemon') => ({
  pid,
  name,
  uid: 0,
  unit,
  executable: false,
  paths: ['/usr/lib/libssl.so.3'],
});

test('patchKind names each service on deleted files once', t => {
  const found = judge(
    {stale_libraries: 'none'},
    stale([onDeleted(7, 'cron.service'), onDeleted(8, 'cron.service'), onDeleted(9, null, 'lone')]),
  );
  t.is(verdicts(found), 'cron.service fail, lone fail');
  t.like(found[0], {where: ['pid 7', 'pid 8'], cure: 'systemctl restart cron.service', scope: 'runtime'});
});

test('patchKind leaves out excepted units and sessions of people, and is open over what it did not see', t => {
  t.is(
    verdicts(
      judge(
        {stale_libraries: 'none', except: ['cron.service']},
        stale([onDeleted(7, 'cron.service'), onDeleted(8, 'session-3.scope')]),
      ),
    ),
    'services pass',
  );
  t.is(
    verdicts(judge({stale_libraries: 'none'}, stale([], [{pid: 1, name: 'init', reason: 'permission denied'}]))),
    'services unknown',
  );
  t.is(verdicts(judge({stale_libraries: 'none'}, {staleLibraries: liveOnly('processes')})), 'services not-applicable');
});

const phases: SupportFact['phases'] = [
  {kind: 'regular', ends: '2026-07-11'},
  {kind: 'lts', ends: '2028-06-30'},
  {kind: 'paid', ends: '2033-06-30'},
];
const support: Answers = {
  support: seen({release: 'Debian 12', phases, source: '/usr/share/distro-info/debian.csv', asOf: null}, [
    '/usr/share/distro-info/debian.csv',
  ]),
};

for (const [check, verdict] of [
  [{support_days_at_least: 365}, 'pass'],
  [{support_days_at_least: 1000}, 'fail'],
  [{support_days_at_least: 0, kind: ['regular']}, 'fail'],
  [{support_days_at_least: 2000, kind: ['paid']}, 'pass'],
] as const) {
  test(`patchKind judges ${JSON.stringify(check)}: ${verdict}`, t => t.is(judge(check, support)[0]?.verdict, verdict));
}

test('patchKind is unknown where support is not known', t => {
  t.is(judge({support_days_at_least: 1}, {support: unseen('unknown release')})[0]?.verdict, 'unknown');
  const none = seen({release: 'x', phases: [], source: 'table', asOf: null}, []);
  t.is(judge({support_days_at_least: 1}, {support: none})[0]?.verdict, 'unknown');
});

const step = (ok: boolean | null): AutoUpdatesFact['steps'][number] => ({
  what: 'timer',
  expected: 'enabled',
  actual: String(ok),
  ok,
  where: '/etc/systemd',
});
const packages = seen({manager: 'dpkg' as const, nativeArchitecture: 'amd64', packages: []}, ['/var/lib/dpkg/status']);
const automatic = (...steps: AutoUpdatesFact['steps']): Answers => ({
  packages,
  autoUpdates: seen({mechanism: 'unattended-upgrades', steps}, ['/etc/apt']),
});

test('patchKind wants every step of automatic updates', t => {
  const verdict = (answers: Answers) => judge({automatic: true}, answers)[0]?.verdict;
  t.is(verdict(automatic(step(true))), 'pass');
  t.is(verdict(automatic(step(true), step(false), step(null))), 'fail');
  t.is(verdict(automatic(step(true), step(null))), 'unknown');
  t.is(verdict({packages, autoUpdates: absent('unattended-upgrades is not installed')}), 'fail');
  t.is(verdict({packages, autoUpdates: unseen('broken')}), 'unknown');
});

const passing: Array<[object, Answers]> = [
  [{...count, ...days, ...lists, held_security: 'none'}, updates([])],
  [{reboot_required: false, running_newest_kernel: true}, reboot({})],
  [{stale_libraries: 'none'}, stale([])],
  [{support_days_at_least: 1}, support],
  [{automatic: true}, automatic(step(true))],
];
for (const [check, answers] of passing) {
  test(`patchKind.flips() turns each expectation of ${JSON.stringify(check)}`, t => {
    t.true(judge(check, answers).every(({verdict}) => verdict === 'pass'));
    const flips = patchKind.flips(check as never);
    t.is(flips.length, Object.keys(check).length);
    for (const {what, check: flipped} of flips)
      t.true(
        judgeRaw(flipped, answers).some(({verdict}) => verdict === 'fail'),
        what,
      );
  });
}

for (const check of [
  {},
  {except: ['a']},
  {...count, kind: ['lts']},
  {reboot_required: true},
  {security_pending_at_most: -1},
]) {
  test(`patchKind refuses ${JSON.stringify(check)}`, t => {
    t.throws(() => ruleOf('patch', check));
  });
}

test('patchKind finds a masked security update and stale lists on a whole machine', async t => {
  const machine = aptMachine('bookworm', installed('openssh-client', '1:9.2p1-2+deb12u6'), [
    bookworm(stanza('openssh-client', '1:9.2p1-2+deb12u10')),
    bookwormSecurity(stanza('openssh-client', '1:9.2p1-2+deb12u9')),
  ]);
  const rule = ruleOf('patch', {...days, ...lists});
  const fresh = await checkHost(memoryHost(machine), [rule]);
  t.deepEqual(
    fresh.map(({subject, verdict}) => `${subject} ${verdict}`),
    ['age of security updates fail', 'package lists pass'],
  );
  const later = await checkHost(memoryHost({...machine, now: '2026-12-24T12:00:00Z'}), [
    ruleOf('patch', count),
    ruleOf('patch', lists),
  ]);
  t.deepEqual(
    later.map(({verdict}) => verdict),
    ['fail', 'fail'],
  );
});
