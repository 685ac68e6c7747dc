import test from 'ava';
import {collectFacts} from '../../../agent/host/facts/collect.ts';
import type {Fixture} from '../../../agent/host/memory/fixture.ts';
import {judgingFacts} from '../../../policies/engine.ts';
import type {Judgement} from '../../../policies/finding.ts';
import {macKind} from '../../../policies/kinds/mac.ts';
import {mismatches} from '../../../policies/load/schema.ts';
import {recordedHost} from '../../helpers/hosts.ts';
import {ruleOf} from '../../helpers/rule.ts';

const rocky = 'rocky9-selinux-enforcing';
const debian = 'debian12-apparmor';
const ubuntu = 'ubuntu2404-complain';

async function judge(name: string, check: object, over: Fixture = {}): Promise<Judgement[]> {
  const rule = ruleOf('mac', check);
  const {facts} = await collectFacts(
    recordedHost(name, over),
    judgingFacts([rule]).map(({request}) => request),
  );
  return macKind.judge(check as never, facts, {now: 0, rule: 'demo.mac'});
}

const words = (judgements: Judgement[]) => judgements.map(({verdict}) => verdict);
const actual = ([judgement]: Judgement[]) =>
  judgement !== undefined && 'compared' in judgement
    ? Object.fromEntries(judgement.compared.map(({what, actual: found}) => [what, found]))
    : judgement;
const reason = ([judgement]: Judgement[]) => (judgement !== undefined && 'reason' in judgement ? judgement.reason : '');

const rows: Array<[title: string, host: string, check: object, verdict: string, over?: Fixture]> = [
  ['SELinux that enforces now and after the next boot', rocky, {enforcing: true}, 'pass'],
  [
    'SELinux that was set permissive by hand',
    rocky,
    {enforcing: true},
    'fail',
    {files: {'/sys/fs/selinux/enforce': '0'}},
  ],
  [
    'SELinux that enforces but is configured permissive',
    rocky,
    {enforcing: true},
    'fail',
    {files: {'/etc/selinux/config': 'SELINUX=permissive\n'}},
  ],
  [
    'the same, runtime alone',
    rocky,
    {enforcing: true, of: ['runtime']},
    'pass',
    {files: {'/etc/selinux/config': 'SELINUX=permissive\n'}},
  ],
  [
    'SELinux that selinux=0 switches off at the next boot',
    'fedora43-selinux-off-at-next-boot',
    {enforcing: true},
    'fail',
  ],
  ['SELinux in the kernel without a policy', 'rocky9-selinux-no-policy', {enforcing: true, of: ['runtime']}, 'fail'],
  [
    'a kernel that says permissive because no policy is loaded',
    rocky,
    {enforcing: true, of: ['runtime']},
    'fail',
    {files: {'/proc/1/attr/current': 'kernel\0'}},
  ],
  [
    'SELinux whose selinuxfs is masked',
    rocky,
    {enforcing: true, of: ['runtime']},
    'unknown',
    {files: {'/sys/fs/selinux': null}},
  ],
  ['SELinux whose boot entries only root may read', rocky, {enforcing: true}, 'unknown', {looker: 1000}],
  ['AppArmor with enforcing profiles', debian, {enforcing: true}, 'pass'],
  [
    'AppArmor with one profile, in kill mode, which is the stricter one',
    debian,
    {enforcing: true, of: ['runtime']},
    'pass',
    {files: {'/sys/kernel/security/apparmor/profiles': 'x (kill)\n'}},
  ],
  [
    'AppArmor with profiles in complain mode alone',
    debian,
    {enforcing: true},
    'fail',
    {files: {'/sys/kernel/security/apparmor/profiles': 'x (complain)\n'}},
  ],
  [
    'AppArmor without profiles',
    debian,
    {enforcing: true},
    'fail',
    {files: {'/sys/kernel/security/apparmor/profiles': ''}},
  ],
  [
    'AppArmor that nothing loads profiles for at boot',
    debian,
    {enforcing: true},
    'fail',
    {files: {'/etc/systemd/system/sysinit.target.wants/apparmor.service': null}},
  ],
  ['AppArmor installed, apparmor=0', 'debian12-apparmor-off', {enforcing: true}, 'fail'],
  ['the same, asked for by name', 'debian12-apparmor-off', {enforcing: true, module: 'apparmor'}, 'fail'],
  ['no AppArmor in the kernel, though it is asked for', rocky, {enforcing: true, module: 'apparmor'}, 'none'],
  ['no SELinux in the kernel, nor set up', debian, {enforcing: true, module: 'selinux'}, 'none'],
  ['a container whose securityfs is not mounted', 'container-no-lsm', {enforcing: true}, 'unknown'],
  ['the same, asked for AppArmor by name', 'container-no-lsm', {enforcing: true, module: 'apparmor'}, 'unknown'],
  ['an image, runtime alone', debian, {enforcing: true, of: ['runtime']}, 'not-applicable', {as: 'image'}],
  ['an image that will enforce', debian, {enforcing: true}, 'pass', {as: 'image'}],
  ['an image whose boot entry has apparmor=0', 'debian12-apparmor-off', {enforcing: true}, 'fail', {as: 'image'}],

  ['the policy type', rocky, {policy_type: ['mls', 'targeted']}, 'pass'],
  ['another policy type', rocky, {policy_type: ['mls']}, 'fail'],
  ['a policy type without SELinux', debian, {policy_type: ['targeted']}, 'none'],

  ['permissive domains', rocky, {permissive_domains: {}}, 'fail'],
  ['permissive domains, all excepted', rocky, {permissive_domains: {except: ['batch_t', 'web_t']}}, 'pass'],
  [
    'a domain that the base policy makes permissive, which the module store does not tell',
    rocky,
    {permissive_domains: {except: ['web_t']}},
    'fail',
  ],
  [
    'permissive domains of a policy that only root may read',
    rocky,
    {permissive_domains: {except: ['batch_t', 'web_t']}},
    'unknown',
    {looker: 1000},
  ],
  ['permissive domains of an image', rocky, {permissive_domains: {except: ['web_t']}}, 'fail', {as: 'image'}],
  ['permissive domains where securityfs is not mounted', 'container-no-lsm', {permissive_domains: {}}, 'unknown'],

  ['a boolean that is on, running and persistent', rocky, {booleans: {web_reads_notes: true}}, 'pass'],
  ['a boolean that is on until the next boot', rocky, {booleans: {web_sends_mail: true}}, 'fail'],
  [
    'a boolean that is on until the next boot, runtime alone',
    rocky,
    {booleans: {web_sends_mail: true}, of: ['runtime']},
    'pass',
  ],
  ['a boolean that the policy has not', rocky, {booleans: {no_such: true}}, 'none'],

  ['profiles in complain mode', ubuntu, {complain_profiles: {}}, 'fail'],
  [
    'profiles in complain mode, all excepted with their children',
    ubuntu,
    {complain_profiles: {except: ['/usr/sbin/ntpd', 'snap.lxd.daemon (old) name', 'webapp']}},
    'pass',
  ],
  [
    'complain profiles on disk',
    ubuntu,
    {complain_profiles: {except: ['/usr/sbin/ntpd', 'snap.lxd.daemon (old) name', 'webapp']}, of: ['persistent']},
    'fail',
  ],
  ['complain profiles without AppArmor', 'debian12-apparmor-off', {complain_profiles: {}}, 'none'],
  ['complain profiles of a securityfs that is not mounted', 'container-no-lsm', {complain_profiles: {}}, 'unknown'],

  ['a unit in an enforcing profile', debian, {unit_confined: 'chrony.service'}, 'pass'],
  ['a unit without a profile', debian, {unit_confined: 'ssh.service'}, 'fail'],
  ['a unit in complain mode', ubuntu, {unit_confined: 'ntp.service'}, 'fail'],
  ['a unit in kill mode', ubuntu, {unit_confined: 'batch.service'}, 'pass'],
  ['a unit one of whose processes only complains', ubuntu, {unit_confined: 'webapp.service'}, 'fail'],
  ['a unit in a stack of which one profile enforces', ubuntu, {unit_confined: 'stacked.service'}, 'pass'],
  [
    'a unit in a stack whose profiles cannot be read',
    ubuntu,
    {unit_confined: 'stacked.service'},
    'unknown',
    {files: {'/sys/kernel/security/apparmor/profiles': {read_error: 'EIO'}}},
  ],
  ['a unit in its own SELinux domain', rocky, {unit_confined: 'sshd.service'}, 'pass'],
  ['a unit in unconfined_service_t', rocky, {unit_confined: 'app.service'}, 'fail'],
  ['a unit in a permissive domain', rocky, {unit_confined: 'httpd.service'}, 'fail'],
  [
    'a unit while SELinux is permissive',
    rocky,
    {unit_confined: 'sshd.service'},
    'fail',
    {files: {'/sys/fs/selinux/enforce': '0'}},
  ],
  ['a unit where permissive domains cannot be seen', rocky, {unit_confined: 'sshd.service'}, 'unknown', {looker: 1000}],
  ['a unit before a policy is loaded', 'rocky9-selinux-no-policy', {unit_confined: 'sshd.service'}, 'fail'],
  ['a unit that does not run', debian, {unit_confined: 'nginx.service'}, 'none'],
  ['a unit without any MAC system', 'debian12-apparmor-off', {unit_confined: 'ssh.service'}, 'none'],
  [
    'a unit whose label answers EINVAL',
    debian,
    {unit_confined: 'chrony.service'},
    'unknown',
    {files: {'/proc/640/attr/current': {read_error: 'EINVAL'}}},
  ],

  ['every process inside its profile', debian, {exe_attached: true}, 'pass'],
  ['a process outside the profile that is loaded for it', ubuntu, {exe_attached: true}, 'fail'],
  [
    'attachments that cannot be read',
    debian,
    {exe_attached: true},
    'unknown',
    {files: {'/sys/kernel/security/apparmor/policy/profiles/lsb_release.3/attach': {read_error: 'EIO'}}},
  ],
  [
    'an attachment that the kernel hides and no file tells',
    debian,
    {exe_attached: true},
    'unknown',
    {files: {'/sys/kernel/security/apparmor/policy/profiles/lsb_release.3/attach': '<unknown>\n'}},
  ],
  ['attachments without AppArmor', rocky, {exe_attached: true}, 'none'],

  ['more denials than allowed', debian, {denials_at_most: {}}, 'fail'],
  ['as many denials as allowed; complain mode does not count', debian, {denials_at_most: {count: 3}}, 'pass'],
  ['denials of a unit', debian, {denials_at_most: {unit: 'chrony.service', count: 2}}, 'fail'],
  ['a unit without denials', ubuntu, {denials_at_most: {unit: 'batch.service'}}, 'pass'],
  ['denials of a unit that does not run', ubuntu, {denials_at_most: {unit: 'nginx.service'}}, 'none'],
  [
    'few denials in a log with losses',
    rocky,
    {denials_at_most: {count: 10}},
    'unknown',
    {commands: [{argv: ['/usr/sbin/auditctl', '-s'], stdout: 'lost 3\n'}]},
  ],
  [
    'too many denials in a log with losses',
    rocky,
    {denials_at_most: {count: 1}},
    'fail',
    {commands: [{argv: ['/usr/sbin/auditctl', '-s'], stdout: 'lost 3\n'}]},
  ],
  ['denials that nobody may read', debian, {denials_at_most: {count: 10}}, 'unknown', {looker: 1000}],
  ['denials without a MAC system', 'debian12-apparmor-off', {denials_at_most: {}}, 'none'],
];

for (const [title, host, check, verdict, over] of rows) {
  test(`macKind ${verdict}: ${title}`, async t => {
    const judgements = await judge(host, check, over);
    t.true(words(judgements).includes(verdict as never), JSON.stringify(judgements));
    if (verdict !== 'fail') t.deepEqual([...new Set(words(judgements))], [verdict as never]);
  });
}

test('macKind says what was found, where, and what to do', async t => {
  const [judgement] = await judge(rocky, {unit_confined: 'app.service'});
  t.like(judgement, {
    subject: 'app.service',
    verdict: 'fail',
    where: ['pid 1050'],
    scope: 'runtime',
    compared: [
      {
        what: 'confined',
        expected: 'its one process',
        actual: ['SELinux domain unconfined_service_t is not confined (pid 1050)'],
      },
    ],
  });
  const off = await judge('fedora43-selinux-off-at-next-boot', {enforcing: true});
  t.like(actual(off), {running: 'enforcing', configured: 'enforcing'});
  t.regex(String((actual(off) as {[what: string]: unknown})['next boot']), /^disabled: selinux=0/);
  const outside = await judge(ubuntu, {exe_attached: true});
  t.like(outside[0], {subject: '/usr/sbin/rsyslogd', where: ['pid 701'], cure: 'systemctl restart rsyslog.service'});
  const domains = await judge(rocky, {permissive_domains: {except: ['web_t']}});
  t.like(domains[0], {cure: 'semanage permissive -d batch_t'});
});

test('macKind names the label that the kernel would not give', async t => {
  t.regex(
    reason(
      await judge(
        debian,
        {unit_confined: 'chrony.service'},
        {files: {'/proc/640/attr/current': {read_error: 'EINVAL'}}},
      ),
    ),
    /EINVAL/,
  );
  t.regex(reason(await judge('container-no-lsm', {enforcing: true})), /securityfs is not mounted.*EINVAL/);
});

test('macKind judges each of several units and expectations by itself', async t => {
  t.deepEqual(words(await judge(debian, {unit_confined: ['chrony.service', 'ssh.service', 'no.service']})), [
    'pass',
    'fail',
    'none',
  ]);
  t.deepEqual(
    words(
      await judge(rocky, {
        enforcing: true,
        policy_type: ['targeted'],
        booleans: {web_reads_notes: true, web_sends_mail: false},
      }),
    ),
    ['pass', 'pass', 'pass', 'fail'],
  );
});

const passing: Array<[host: string, check: object]> = rows
  .filter(([, , , verdict, over]) => verdict === 'pass' && over === undefined)
  .map(([, host, check]) => [host, check]);
for (const [host, check] of passing) {
  test(`macKind.flips() turns each expectation of ${JSON.stringify(check)} on ${host}`, async t => {
    const flips = macKind.flips(check as never);
    t.true(flips.length > 0);
    for (const {what, check: flipped} of flips) {
      t.deepEqual(mismatches(macKind.schema, flipped), [], what);
      t.true(words(await judge(host, flipped as object)).includes('fail'), what);
    }
  });
}

test('macKind turns a failing expectation too, and leaves what it could not see', async t => {
  t.deepEqual(words(await judge(debian, {unit_confined: 'ssh.service', opposite: true})), ['pass']);
  t.deepEqual(words(await judge('container-no-lsm', {enforcing: true, opposite: true})), ['unknown']);
});

test('macKind refuses checks that say nothing, or two things', t => {
  const problems = (check: object) =>
    macKind.problems?.(check as never).map(({at, message}) => `${at.join('.')}: ${message}`);
  t.regex(String(problems({})), /nothing is expected/);
  t.regex(String(problems({module: 'apparmor', booleans: {x: true}})), /"booleans" does not go with module: apparmor/);
  t.regex(String(problems({module: 'selinux', exe_attached: true})), /"exe_attached" does not go with module: selinux/);
  t.regex(String(problems({enforcing: true, policy_type: ['x'], opposite: true})), /several expectations/);
  t.true(mismatches(macKind.schema, {enforcing: false}).length > 0);
});

test('macKind explains itself', t => {
  const check = {
    enforcing: true,
    unit_confined: ['a.service'],
    denials_at_most: {count: 2, unit: 'a.service'},
  } as never;
  t.is(
    macKind.wanted(check),
    'SELinux or AppArmor enforcing (runtime and persistent); confined: a.service; at most 2 denials in 24 h of a.service',
  );
  t.regex(macKind.looks(check), /securityfs.*boot loader entries.*attr\/current.*audit log/);
});
