import test from 'ava';
import {checkHost} from '../../../agent/check.ts';
import type {Fixture} from '../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../agent/host/memory/host.ts';
import type {Finding} from '../../../policies/finding.ts';
import {processKind} from '../../../policies/kinds/process.ts';
import {type ProcessLines, procFiles} from '../../helpers/proc.ts';
import {ruleOf} from '../../helpers/rule.ts';

type Files = NonNullable<Fixture['files']>;
const machine: Files = {
  '/etc/passwd': 'root:x:0:0::/root:/bin/sh\nconnect:x:999:999::/:/bin/false\nnobody:x:65534:65534::/:/bin/false\n',
  '/etc/group': 'root:x:0:\nconnect:x:999:\nsudo:x:27:\n',
  '/proc/stat': `btime ${Date.parse('2026-11-21T11:00:00Z') / 1000}\n`,
  '/usr/bin/app': '',
};
const connect: ProcessLines = {
  pid: 70,
  exe: '/opt/connect/bin/connect',
  uids: [999, 999, 999, 999],
  cgroup: '/system.slice/rstudio-connect.service',
};

async function judge(
  check: object,
  processes: ProcessLines[],
  files: Files = {},
  fixture: Fixture = {},
): Promise<Finding[]> {
  const all = Object.assign({}, machine, ...processes.map(procFiles), files);
  return checkHost(memoryHost({booted: '2026-11-21T11:00:00Z', ...fixture, files: all}), [
    ruleOf('process', check, 'running' in check ? null : 'not-applicable'),
  ]);
}

type Row = [
  title: string,
  check: object,
  processes: ProcessLines[],
  verdict: Finding['verdict'],
  like?: object,
  files?: Files,
];
const unit = 'rstudio-connect.service';
const filter = {seccomp: 2, noNewPrivileges: 1, capabilities: '0000000000000400'} as const;
const rows: Row[] = [
  [
    'a user that is allowed',
    {unit, user_in: ['connect']},
    [connect],
    'pass',
    {subject: unit, actual: {user: 'connect'}, where: ['pid 70'], scope: 'runtime'},
  ],
  [
    'a user that is not',
    {unit, user_in: 'connect'},
    [{...connect, uids: [0, 0, 0, 0]}],
    'fail',
    {
      subject: `/opt/connect/bin/connect in ${unit}`,
      wrong: ['user'],
      actual: {user: 'root'},
      cure: `systemctl edit ${unit}: [Service] User=connect; systemctl restart ${unit}`,
    },
  ],
  [
    'root kept as the saved uid',
    {unit, user_not_in: ['root', '0']},
    [{...connect, uids: [999, 999, 0, 999]}],
    'fail',
    {actual: {user: 'real connect, effective connect, saved root'}},
  ],
  ['a real uid that is refused', {unit, user_not_in: 'root'}, [{...connect, uids: [0, 999, 999, 999]}], 'fail'],
  ['an id as the name', {unit, user_in: '999'}, [connect], 'pass'],
  [
    'a user that may be from elsewhere',
    {unit, user_in: 'ldapuser'},
    [{...connect, uids: [7777, 7777, 7777, 7777]}],
    'unknown',
  ],
  [
    'a refused user that may be from elsewhere',
    {unit, user_not_in: 'ldapuser'},
    [{...connect, uids: [7777, 7777, 7777, 7777]}],
    'unknown',
  ],
  ['a local user where another from elsewhere is wanted', {unit, user_in: 'ldapuser'}, [connect], 'fail'],
  [
    'an unnamed user where a local one is wanted',
    {unit, user_in: 'connect'},
    [{...connect, uids: [7777, 7777, 7777, 7777]}],
    'fail',
    {actual: {user: '7777 (no name here)'}},
  ],
  [
    'a refused user outweighs an unknown one',
    {unit, user_in: ['ldapuser'], user_not_in: ['root']},
    [{...connect, uids: [0, 7777, 0, 0]}],
    'fail',
  ],
  [
    'a supplementary group that none may have',
    {unit, groups_not_in: ['sudo']},
    [{...connect, groups: [27]}],
    'fail',
    {wrong: ['groups'], actual: {groups: 'sudo'}},
  ],
  ['no such group', {unit, groups_not_in: ['sudo']}, [connect], 'pass'],
  [
    'no capabilities wanted and none held',
    {unit, capabilities_at_most: []},
    [connect],
    'pass',
    {expected: {capabilities: 'at most none'}, actual: {capabilities: 'none'}},
  ],
  [
    'a capability too many',
    {unit, capabilities_at_most: ['net_raw']},
    [{...connect, capabilities: '0000000000000400'}],
    'fail',
    {actual: {capabilities: 'CAP_NET_BIND_SERVICE'}},
  ],
  [
    'a capability that is permitted only',
    {unit, capabilities_at_most: []},
    [{...connect, permitted: '0000000000200000'}],
    'fail',
    {actual: {capabilities: 'CAP_SYS_ADMIN'}},
  ],
  [
    'a capability newer than the table',
    {unit, capabilities_at_most: []},
    [{...connect, capabilities: '0000020000000000'}],
    'fail',
    {actual: {capabilities: 'CAP_41'}},
  ],
  [
    'all sandbox expectations',
    {unit, capabilities_at_most: ['CAP_NET_BIND_SERVICE'], no_new_privileges: true, seccomp: true},
    [{...connect, ...filter}],
    'pass',
  ],
  ['no filter', {unit, seccomp: true}, [connect], 'fail', {actual: {seccomp: 'off'}}],
  [
    'privileges that can grow',
    {unit, no_new_privileges: true},
    [connect],
    'fail',
    {actual: {'no new privileges': 'off'}},
  ],
  ['an enforcing profile', {unit, confined: true}, [{...connect, label: 'connect (enforce)\n'}], 'pass'],
  [
    'a complaining profile',
    {unit, confined: true},
    [{...connect, label: 'connect (complain)\n'}],
    'fail',
    {actual: {confined: 'AppArmor profile connect only complains'}},
  ],
  ['a kernel without labels', {unit, confined: true}, [connect], 'unknown'],
  [
    'a confined domain',
    {unit, confined: true},
    [{...connect, label: 'system_u:system_r:connect_t:s0\0'}],
    'pass',
    {},
    {'/sys/fs/selinux/enforce': '1'},
  ],
  [
    'a confined domain while SELinux is permissive',
    {unit, confined: true},
    [{...connect, label: 'system_u:system_r:connect_t:s0\0'}],
    'fail',
    {},
    {'/sys/fs/selinux/enforce': '0'},
  ],
  [
    'a domain where the mode is hidden',
    {unit, confined: true},
    [{...connect, label: 'system_u:system_r:connect_t:s0\0'}],
    'unknown',
  ],
  [
    'a start after the configuration changed',
    {unit, started_after: '/etc/c.gcfg'},
    [connect],
    'pass',
    {},
    {'/etc/c.gcfg': {content: '', modified: '2026-11-21T11:00:09Z'}},
  ],
  [
    'a start before the configuration changed',
    {unit, started_after: ['/etc/c.gcfg', '/etc/c.d/*']},
    [connect],
    'fail',
    {
      expected: {started: 'after /etc/c.d/1 changed at 2026-11-21T11:00:11.000Z'},
      actual: {started: '2026-11-21T11:00:10.000Z'},
      cure: `systemctl restart ${unit}`,
    },
    {'/etc/c.gcfg': '', '/etc/c.d/1': {content: '', modified: '2026-11-21T11:00:11Z'}},
  ],
  ['a configuration that is not there', {unit, started_after: '/etc/c.gcfg'}, [connect], 'unknown'],
  [
    'a variable with the wanted value',
    {unit, environment: {A: {is: '1'}, B: {present: false}}},
    [{...connect, environment: {A: '1'}}],
    'pass',
    {actual: {A: '1', B: 'not set'}},
  ],
  [
    'a variable with another value',
    {unit, environment: {A: {is: '1'}}},
    [{...connect, environment: {A: '2', SECRET: 's'}}],
    'fail',
    {actual: {A: '2'}},
  ],
  [
    'an environment that may not be read',
    {unit, environment: {A: {is: '1'}}},
    [{...connect, environment: {read_error: 'EACCES'}}],
    'unknown',
  ],
  [
    'an executable by its link',
    {exe: '/usr/sbin/sendmail', user_in: 'connect'},
    [{...connect, exe: '/usr/sbin/exim4'}],
    'pass',
    {},
    {'/usr/sbin/sendmail': {link: 'exim4'}, '/usr/sbin/exim4': ''},
  ],
  ['an executable by pattern', {exe: '/opt/*/bin/connect', running: true}, [connect], 'pass'],
  [
    'a pattern that does not reach over a slash',
    {exe: '/opt/*/connect', running: true},
    [connect],
    'fail',
    {actual: {running: 'not running'}},
  ],
  [
    'a hidden executable',
    {exe: '/opt/connect/bin/connect', running: true},
    [connect],
    'unknown',
    {},
    {'/proc/70/exe': {error: 'EACCES'}},
  ],
  [
    'a hidden executable that would be right anyway',
    {exe: '/opt/connect/bin/connect', user_in: 'connect'},
    [connect, {...connect, pid: 71}],
    'pass',
    {},
    {'/proc/71/exe': {error: 'EACCES'}},
  ],
  [
    'a hidden executable that would be wrong',
    {exe: '/opt/connect/bin/connect', user_in: 'connect'},
    [connect, {...connect, pid: 71, uids: [0, 0, 0, 0]}],
    'unknown',
    {},
    {'/proc/71/exe': {error: 'EACCES'}},
  ],
  [
    'an exception',
    {under_unit: unit, except_exe: '/opt/connect/bin/connect', user_in: 'nobody'},
    [
      {...connect, uids: [0, 0, 0, 0]},
      {...connect, pid: 71, exe: '/usr/bin/R', uids: [65534, 65534, 65534, 65534]},
    ],
    'pass',
    {where: ['pid 71']},
  ],
  [
    'a child below the cgroup of the unit',
    {unit: 'rstudio-connect', user_not_in: 'root'},
    [connect, {...connect, pid: 71, uids: [0, 0, 0, 0], cgroup: `/system.slice/${unit}/job`}],
    'fail',
    {where: ['pid 71']},
  ],
  [
    "another's unit of the same name",
    {unit, running: true},
    [{...connect, cgroup: `/user.slice/user-1000.slice/user@1000.service/${unit}`}],
    'fail',
  ],
  [
    'an instance of a template',
    {unit: 'connect@.service', running: true},
    [{...connect, cgroup: '/system.slice/system-connect.slice/connect@a.service'}],
    'pass',
  ],
  ['a slice', {unit: 'app.slice', user_in: 'connect'}, [{...connect, cgroup: '/app.slice/x.service/y'}], 'pass'],
  [
    "a slice of somebody else's making",
    {unit: 'app.slice', running: true},
    [{...connect, cgroup: '/user.slice/user@1.service/app.slice/x.service'}],
    'fail',
  ],
  ['a kernel thread', {name: 'app', running: true}, [{pid: 9, flags: 0x200000}], 'fail'],
  [
    'something that must not run',
    {name: 'app', running: false},
    [{pid: 9}],
    'fail',
    {cure: 'systemctl disable --now app.service'},
  ],
  ['something that does not run', {name: 'nfsd', running: false}, [{pid: 9}], 'pass'],
  [
    'running and right',
    {unit, running: true, user_in: 'connect'},
    [connect],
    'pass',
    {actual: {running: 'running', user: 'connect'}},
  ],
  ['nothing to judge', {exe: '/opt/none', user_in: 'root'}, [connect], 'not-applicable'],
];
for (const [title, check, processes, verdict, like, files] of rows) {
  test(`process: ${title}`, async t => {
    const [finding, ...rest] = await judge(check, processes, files);
    t.is(rest.length, 0, JSON.stringify(rest));
    t.like(finding, {verdict, ...like});
    if (verdict !== 'pass') return;
    for (const flip of processKind.flips(check as never)) {
      const [turned] = await judgeFlipped(flip.check, processes, files);
      t.not(turned?.verdict, 'pass', `${flip.what} turned`);
    }
  });
}

async function judgeFlipped(check: object, processes: ProcessLines[], files: Files = {}): Promise<Finding[]> {
  const rule = ruleOf('process', {name: 'x', running: true});
  const all = Object.assign({}, machine, ...processes.map(procFiles), files);
  return checkHost(memoryHost({booted: '2026-11-21T11:00:00Z', files: all}), [
    {...rule, check: {kind: processKind, check: check as never}},
  ]);
}

test('process: one finding for each that fails', async t => {
  const findings = await judge({unit, user_not_in: 'root'}, [
    connect,
    {...connect, pid: 71, uids: [0, 0, 0, 0]},
    {...connect, pid: 72, uids: [0, 0, 0, 0]},
  ]);
  t.deepEqual(
    findings.map(finding => ('where' in finding ? finding.where : finding.verdict)),
    [['pid 71'], ['pid 72']],
  );
});

test('process: not applicable to an image', async t => {
  const [finding] = await judge({unit, user_in: 'root'}, [connect], {}, {as: 'image'});
  t.is(finding?.verdict, 'not-applicable');
});

const refused: Array<[title: string, check: object, message: RegExp]> = [
  ['no choice', {user_in: 'root'}, /no processes are chosen/],
  ['no expectation', {unit}, /nothing is expected/],
  ['two names for the unit', {unit, under_unit: unit, running: true}, /says the same as "unit"/],
  ['an unknown capability', {unit, capabilities_at_most: ['CAP_ROOT']}, /"CAP_ROOT" is no capability/],
  ['an empty expectation of a variable', {unit, environment: {A: {}}}, /nothing is expected/],
  ['expectations of what must not run', {unit, running: false, user_in: 'root'}, /no other expectations/],
  ['an unknown key', {unit, users: 'root'}, /unknown key "users"/],
];
for (const [title, check, message] of refused) {
  test(`process: refuses ${title}`, t => {
    t.throws(() => ruleOf('process', check), {message});
  });
}
