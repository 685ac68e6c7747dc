import test from 'ava';
import {checkHost} from '../../../agent/check.ts';
import {memoryHost} from '../../../agent/host/memory/host.ts';
import {type Answer, absent, seen, unseen} from '../../../policies/facts/answer.ts';
import type {Facts} from '../../../policies/facts/index.ts';
import type {PackageFact, PackageFilesFact, PackagesFact} from '../../../policies/facts/packages.ts';
import type {RepositoriesFact} from '../../../policies/facts/patch.ts';
import type {Judgement} from '../../../policies/finding.ts';
import {packageKind} from '../../../policies/kinds/package.ts';
import {aptMachine, installed} from '../../helpers/apt.ts';
import {ruleOf} from '../../helpers/rule.ts';

const entry = (name: string, version: string, change: Partial<PackageFact> = {}): PackageFact => ({
  name,
  version,
  architecture: 'amd64',
  status: 'install ok installed',
  installed: true,
  held: false,
  source: name,
  sourceVersion: version,
  ...change,
});
const packages: PackagesFact = {
  manager: 'dpkg',
  nativeArchitecture: 'amd64',
  packages: [
    entry('openssh-server', '1:9.2p1-2+deb12u9'),
    entry('held', '1', {held: true, status: 'hold ok installed'}),
    entry('half', '1', {installed: false, status: 'install ok unpacked'}),
    entry('gone', '1', {installed: false, status: 'deinstall ok config-files'}),
  ],
};
const rpm: PackagesFact = {
  manager: 'rpm',
  nativeArchitecture: 'x86_64',
  packages: [entry('kernel', '5.14.0-427.el9', {status: 'installed'})],
};

const files = (change: Partial<PackageFilesFact>): Answer<PackageFilesFact> =>
  seen(
    {
      package: 'openssh-server',
      version: '1',
      checked: 9,
      notes: [],
      changed: [],
      configurationChanged: ['/etc/ssh/sshd_config'],
      unreadable: [],
      ...change,
    },
    ['x.md5sums'],
  );
const changedFile = {path: '/usr/sbin/sshd', what: 'content' as const, expected: 'MD5 a', actual: 'MD5 b'};
const unreadFile = {path: '/usr/sbin/x', reason: 'cannot read /usr/sbin/x: permission denied, run as root (EACCES)'};

type Answers = {
  packages?: Answer<PackagesFact>;
  packageFiles?: Answer<PackageFilesFact>;
  repositories?: Answer<RepositoriesFact>;
};

function judge(
  check: object,
  {packages: known = seen(packages, ['/var/lib/dpkg/status']), packageFiles = files({}), repositories}: Answers = {},
): Judgement[] {
  ruleOf('package', check);
  return judgeRaw(check, {packages: known, packageFiles, ...(repositories === undefined ? {} : {repositories})});
}

function judgeRaw(check: object, answers: Answers): Judgement[] {
  const facts = {get: ({fact}: {fact: keyof Answers}) => answers[fact]} as unknown as Facts;
  return packageKind.judge(check as never, facts, {now: 0, rule: 'test'});
}

const verdicts = (judgements: Judgement[]) =>
  judgements.map(({subject, verdict}) => `${subject} ${verdict}`).join(', ');

for (const [check, wanted] of [
  [{name: 'openssh-server', installed: true}, 'openssh-server pass'],
  [{name: 'openssh-server', installed: false}, 'openssh-server fail'],
  [{name: ['telnetd', 'rsh-server'], installed: false}, 'telnetd pass, rsh-server pass'],
  [{name: 'telnetd', installed: true}, 'telnetd fail'],
  [{name: 'half', installed: true}, 'half fail'],
  [{name: 'half', installed: false}, 'half fail'],
  [{name: 'gone', installed: false}, 'gone pass'],
  [{name: 'openssh-server', version_at_least: '1:9.2p1-2+deb12u9'}, 'openssh-server pass'],
  [{name: 'openssh-server', version_at_least: '1:9.2p1-2+deb12u10'}, 'openssh-server fail'],
  [{name: 'telnetd', version_at_least: '1'}, 'telnetd none'],
  [{name: 'held', held: false}, 'held fail'],
  [{name: 'openssh-server', held: false, installed: true}, 'openssh-server pass'],
  [{name: 'openssh-server', verified: true}, 'openssh-server pass'],
  [{name: 'telnetd', verified: true}, 'telnetd none'],
  [{any_of: ['chrony', 'openssh-server']}, 'chrony or openssh-server pass'],
  [{any_of: ['chrony', 'half']}, 'chrony or half fail'],
  [{all: 'consistent'}, 'half fail'],
] as const) {
  test(`packageKind judges ${JSON.stringify(check)}: ${wanted}`, t => t.is(verdicts(judge(check)), wanted));
}

test("packageKind compares rpm's versions in rpm's order", t => {
  const answers = {packages: seen(rpm, ['/var/lib/rpm'])};
  t.is(verdicts(judge({name: 'kernel', version_at_least: '5.14.0-362.el9'}, answers)), 'kernel pass');
  t.is(verdicts(judge({name: 'kernel', version_at_least: '5.14.0-427.13.el9'}, answers)), 'kernel fail');
});

test('packageKind says what to do, in the words of the manager', t => {
  const cure = (check: object, answers: Answers = {}) =>
    judge(check, answers).map(judgement => ('cure' in judgement ? judgement.cure : undefined));
  const onRpm = {packages: seen(rpm, ['/var/lib/rpm'])};
  t.deepEqual(cure({name: 'telnetd', installed: true}), ['apt-get install telnetd']);
  t.deepEqual(cure({name: 'kernel', installed: false}, onRpm), ['dnf remove kernel']);
  t.deepEqual(cure({name: 'held', held: false}), ['apt-mark unhold held']);
  t.deepEqual(cure({name: 'openssh-server', verified: true}, {packageFiles: files({changed: [changedFile]})}), [
    'apt-get install --reinstall openssh-server',
  ]);
});

test('packageKind shows each file that differs, and is open where none differs but some were not read', t => {
  const [differs] = judge(
    {name: 'openssh-server', verified: true},
    {packageFiles: files({changed: [changedFile], unreadable: [unreadFile]})},
  );
  t.like(differs, {verdict: 'fail', compared: [{what: 'files', actual: ['/usr/sbin/sshd: content MD5 b, was MD5 a']}]});
  t.deepEqual(judge({name: 'openssh-server', verified: true}, {packageFiles: files({unreadable: [unreadFile]})}), [
    {subject: 'openssh-server', verdict: 'unknown', reason: unreadFile.reason},
  ]);
  t.is(
    verdicts(judge({name: 'openssh-server', verified: true, version_at_least: '2:1'}, {packageFiles: unseen('x')})),
    'openssh-server fail',
  );
  t.is(
    verdicts(judge({name: 'openssh-server', verified: true}, {packageFiles: unseen('x')})),
    'openssh-server unknown',
  );
});

test('packageKind is unknown with a database that could not be read, and not applicable without one', t => {
  for (const check of [
    {name: 'a', installed: false},
    {name: 'a', installed: true},
    {any_of: ['a']},
    {all: 'consistent'},
  ]) {
    t.like(judge(check, {packages: unseen('damaged')})[0], {verdict: 'unknown', reason: 'damaged'});
    t.like(judge(check, {packages: absent('no manager')})[0], {verdict: 'not-applicable', reason: 'no manager'});
  }
});

const repository = (name: string, unsigned: string[], enabled = true) => ({
  name,
  where: `/etc/apt/sources.list:${name.length}`,
  enabled,
  unsigned,
});
const repositories = (list: RepositoriesFact['repositories'], settings: RepositoriesFact['settings'] = []) => ({
  repositories: seen({manager: 'apt' as const, repositories: list, settings}, ['/etc/apt/sources.list']),
});

test('packageKind demands signatures of every enabled repository', t => {
  const check = {all: 'signed-sources'};
  t.is(
    verdicts(judge(check, repositories([repository('a', []), repository('bb', ['trusted=yes'], false)]))),
    'repositories pass',
  );
  const [weak] = judge(check, repositories([repository('a', []), repository('bb', ['trusted=yes'])]));
  t.like(weak, {
    subject: 'bb',
    verdict: 'fail',
    where: ['/etc/apt/sources.list:2'],
    cure: 'at /etc/apt/sources.list:2 take trusted=yes away',
  });
  t.is(
    verdicts(
      judge(
        check,
        repositories(
          [repository('a', [])],
          [{what: 'APT::Get::AllowUnauthenticated "1"', where: '/etc/apt/apt.conf:1'}],
        ),
      ),
    ),
    'APT::Get::AllowUnauthenticated "1" fail',
  );
  t.is(verdicts(judge(check, {repositories: absent('none configured')})), 'repositories not-applicable');
  t.is(verdicts(judge(check, {repositories: unseen('broken')})), 'repositories unknown');
});

const passing: Array<[object, Answers]> = [
  [{name: 'openssh-server', installed: true, version_at_least: '1:1', held: false, verified: true}, {}],
  [{name: 'telnetd', installed: false}, {}],
  [{name: 'kernel', version_at_least: '5.0-1'}, {packages: seen(rpm, ['x'])}],
  [{any_of: ['openssh-server']}, {}],
  [{all: 'consistent'}, {packages: seen({...packages, packages: [entry('a', '1')]}, ['x'])}],
  [{all: 'signed-sources'}, repositories([repository('a', [])])],
];
for (const [check, answers] of passing) {
  test(`packageKind.flips() turns each expectation of ${JSON.stringify(check)}`, t => {
    t.true(judge(check, answers).every(({verdict}) => verdict === 'pass'));
    const flips = packageKind.flips(check as never);
    t.true(flips.length > 0);
    const all: Answers = {packages: seen(packages, ['x']), packageFiles: files({}), ...answers};
    for (const {what, check: flipped} of flips)
      t.true(
        judgeRaw(flipped, all).some(({verdict}) => verdict === 'fail'),
        what,
      );
  });
}

for (const check of [
  {},
  {name: 'a'},
  {name: 'a', all: 'consistent'},
  {all: 'consistent', installed: true},
  {name: 'a', installed: false, held: false},
  {name: '-x', installed: true},
  {any_of: []},
]) {
  test(`packageKind refuses ${JSON.stringify(check)}`, t => {
    t.throws(() => ruleOf('package', check));
  });
}

test('packageKind needs none: only where a package may be missing', t => {
  const canBeEmpty = (check: object) => packageKind.canBeEmpty(check as never);
  t.true(canBeEmpty({name: 'a', held: false}));
  t.false(canBeEmpty({name: 'a', installed: true, verified: true}));
  t.false(canBeEmpty({all: 'consistent'}));
  t.false(canBeEmpty({any_of: ['a']}));
});

test('packageKind never passes over a damaged database', async t => {
  const machine = aptMachine('bookworm', `${installed('a', '1')}Package: b\n`, []);
  const findings = await checkHost(memoryHost(machine), [ruleOf('package', {name: 'telnetd', installed: false}, null)]);
  t.deepEqual(
    findings.map(({verdict}) => verdict),
    ['unknown'],
  );
  t.regex(
    findings[0]?.verdict === 'unknown' ? findings[0].reason : '',
    /status: it is damaged: b at byte \d+ has no status/,
  );
});
