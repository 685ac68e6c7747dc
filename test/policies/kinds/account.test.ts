import test from 'ava';
import {collectFacts} from '../../../agent/host/facts/collect.ts';
import type {Fixture} from '../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../agent/host/memory/host.ts';
import type {Judgement} from '../../../policies/finding.ts';
import {accountKind} from '../../../policies/kinds/account.ts';
import {cpuMs} from '../../helpers/cpu.ts';

const base: NonNullable<Fixture['files']> = {
  '/etc/passwd':
    'root:x:0:0::/root:/bin/bash\ndaemon:x:2:2::/usr/sbin:/usr/sbin/nologin\nalice:x:1000:1000::/home/alice:/bin/bash\nbob:x:1001:1001::/home/bob:/bin/sh\n',
  '/etc/shadow': {
    mode: '0640',
    content:
      'root:!:1:0:99999:7:::\ndaemon:*:1:0:99999:7:::\nalice:$y$j9T$aa$bb:1:1:90:14:30::\nbob:$6$aa$bb:1:0:365:7:::\n',
  },
  '/etc/group': 'root:x:0:\ndaemon:x:2:\nalice:x:1000:\nbob:x:1001:\nsudo:x:27:alice\nadm:x:4:\n',
  '/etc/gshadow': 'root:*::\ndaemon:*::\nalice:!::\nbob:!::\nsudo:*::alice\nadm:*::\n',
  '/etc/shells': '/bin/sh\n/bin/bash\n',
  '/root/': {mode: '0700'},
  '/usr/sbin/': {},
  '/home/alice/': {mode: '0750', uid: 1000, gid: 1000},
  '/home/alice/.ssh/': {mode: '0700', uid: 1000},
  '/home/alice/.ssh/authorized_keys': {mode: '0600', uid: 1000, content: 'k'},
  '/home/bob/': {mode: '0755', uid: 1001, gid: 1001},
  '/home/bob/.rhosts': {mode: '0666', uid: 1001, content: '+ +'},
  '/etc/sudoers': 'root ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n',
};

async function judge(check: object, files: Fixture['files'] = {}, over: Fixture = {}): Promise<Judgement[]> {
  const {facts} = await collectFacts(
    memoryHost({...over, files: {...base, ...files}}),
    accountKind.wants(check as never, {rule: 'x'}),
  );
  return accountKind.judge(check as never, facts, {now: 0, rule: 'x'});
}
const short = (judgements: Judgement[]) => judgements.map(({subject, verdict}) => `${subject} ${verdict}`);
const passwd = (line: string) => ({'/etc/passwd': `${base['/etc/passwd']}${line}\n`});
const shadow = (line: string) => ({'/etc/shadow': {mode: '0640', content: `root:!:1::::::\n${line}\n`}});

for (const [check, findings] of [
  [{password: ['locked', 'none', 'set']}, ['accounts pass']],
  [{who: 'system', password: ['locked', 'none']}, ['accounts pass']],
  [{who: 'people', password: ['locked', 'none']}, ['alice fail', 'bob fail']],
  [{password_scheme: ['yescrypt']}, ['bob fail']],
  [{password_scheme: ['yescrypt', 'sha512']}, ['accounts pass']],
  [{who: 'people', ageing: {max_days_at_most: 90}}, ['bob fail']],
  [{who: 'people', ageing: {min_days_at_least: 1}}, ['bob fail']],
  [{who: 'people', ageing: {warn_days_at_least: 7}}, ['accounts pass']],
  [{who: 'people', ageing: {inactive_days_at_most: 30}}, ['bob fail']],
  [{who: 'people', except: ['bob'], ageing: {max_days_at_most: 90, inactive_days_at_most: 45}}, ['accounts pass']],
  [{who: 'system', shell_not_login: true}, ['accounts pass']],
  [{who: ['bob', 'alice'], shell_not_login: true}, ['alice fail', 'bob fail']],
  [{who: 'people', shell_in: ['/bin/bash']}, ['bob fail']],
  [{who: 'people', home: {exists: true, owner: 'self'}}, ['accounts pass']],
  [{who: 'people', home: {mode_at_most: '0750'}}, ['bob fail']],
  [{who: 'login', home_files: {absent: ['.rhosts']}}, ['bob fail']],
  [{who: 'people', home_files: {mode_at_most: {'.ssh': '0700', '.ssh/*': '0600'}, owner: 'self'}}, ['accounts pass']],
  [{who: 'people', home_files: {mode_at_most: {'.*': '0644'}}}, ['alice fail', 'bob fail']],
  [{who: 'people', home_files: {present: ['.ssh']}}, ['bob fail']],
  [{unique: ['uid', 'name', 'gid', 'group-name']}, ['accounts pass']],
  [{uid0_only: true}, ['accounts pass']],
  [{well_formed: true}, ['accounts pass']],
  [{group_members: {group: 'sudo', in: ['alice']}}, ['accounts pass']],
  [{group_members: {group: 'sudo', in: []}}, ['alice in sudo fail']],
  [{group_members: {group: 'alice', in: []}}, ['alice in alice fail']],
  [{group_members: {group: 'sudo', includes: ['bob']}}, ['bob in sudo fail']],
  [{group_members: {group: 'docker', in: []}}, ['accounts none']],
  [{who: ['nobody'], password: ['locked']}, ['accounts none']],
  [{who: 'system', password_scheme: ['yescrypt']}, ['accounts none']],
  [{sudo: {password_required: true, all_commands_only: ['root', '%sudo']}}, ['accounts pass']],
  [{sudo: {all_commands_only: ['root']}}, ['%sudo fail']],
] as const) {
  test(`accountKind judges ${JSON.stringify(check)}`, async t => {
    t.deepEqual(short(await judge(check)), [...findings]);
  });
}

for (const [what, check, files, subject, cure] of [
  ['an empty password', {password: ['set', 'locked', 'none']}, shadow('alice::1::::::'), 'alice', 'passwd -l alice'],
  ['a hash in passwd', {who: ['eve'], password: ['set']}, passwd('eve:$6$aa$bb:1005:1000::/:/bin/sh'), 'eve', 'pwconv'],
  [
    'an unshadowed hash',
    {who: ['eve'], password_scheme: ['sha512']},
    passwd('eve:$6$aa$bb:1005:1000::/:/bin/sh'),
    'eve',
    /^set ENCRYPT_METHOD SHA512 .*; passwd --expire eve$/,
  ],
  [
    'a password that never ends',
    {who: ['alice'], ageing: {max_days_at_most: 365}},
    shadow('alice:$6$a$b:1::::::'),
    'alice',
    'chage -M 365 alice',
  ],
  [
    'a system user with a shell',
    {who: 'system', shell_not_login: true},
    passwd('svc:*:50:2::/:/bin/sh'),
    'svc',
    'usermod -s /usr/sbin/nologin svc',
  ],
  [
    'a system user without shell',
    {who: 'system', shell_not_login: true},
    passwd('svc:*:50:2::/:'),
    'svc',
    'usermod -s /usr/sbin/nologin svc',
  ],
  [
    'a missing home',
    {who: ['carl'], home: {exists: true}},
    passwd('carl:*:1002:1000::/home/carl:/bin/sh'),
    'carl',
    'install -d -m 0750 -o carl -g carl /home/carl',
  ],
  [
    'a home that is a file',
    {who: ['carl'], home: {exists: true}},
    passwd('carl:*:1002:1000::/etc/group:/bin/sh'),
    'carl',
    /install/,
  ],
  [
    'a home of somebody else',
    {who: ['carl'], home: {owner: 'self'}},
    passwd('carl:*:1002:1000::/home/bob:/bin/sh'),
    'carl',
    'chown carl /home/bob',
  ],
  ['a wide home', {who: ['bob'], home: {mode_at_most: '0750'}}, {}, 'bob', 'chmod o-rx /home/bob'],
  [
    'a wide file',
    {who: ['bob'], home_files: {mode_at_most: {'.rhosts': '0600'}}},
    {},
    'bob',
    'chmod g-rw,o-rw /home/bob/.rhosts',
  ],
  ['a trust file', {who: ['bob'], home_files: {absent: ['.rhosts']}}, {}, 'bob', 'rm /home/bob/.rhosts'],
  [
    'a second root',
    {uid0_only: true},
    passwd('toor:*:0:0::/:/bin/sh'),
    'toor',
    'userdel -f toor, or usermod -u FREE_UID toor',
  ],
  ['a second root that hides', {uid0_only: true}, passwd('toor::0:0'), 'toor', /userdel -f toor/],
  [
    'a uid given twice',
    {unique: ['uid']},
    passwd('eve:*:1000:1000::/:/bin/sh'),
    'uid 1000',
    /^usermod -u FREE_UID eve/,
  ],
  ['a name given twice', {unique: ['name']}, passwd('alice:*:1009:1000::/:/bin/sh'), 'name alice', /vipw/],
  [
    'a broken line',
    {well_formed: true},
    passwd('eve:*:x:1::/:'),
    '/etc/passwd:5',
    /^correct line 5 of \/etc\/passwd with vipw; pwck/,
  ],
  ['a NIS entry', {well_formed: true}, passwd('+::::::'), '/etc/passwd:5', /vipw/],
  [
    'a member by primary group',
    {group_members: {group: 'adm', in: []}},
    passwd('eve:*:1009:4::/:/bin/sh'),
    'eve in adm',
    'usermod -g OTHER_GROUP eve',
  ],
  [
    'a member by a second group of that gid',
    {group_members: {group: 'adm', in: []}},
    {'/etc/group': `${base['/etc/group']}adm2:x:4:bob\n`},
    'bob in adm',
    'gpasswd -d bob adm',
  ],
  [
    'sudo without password',
    {sudo: {password_required: true}},
    {'/etc/sudoers': 'bob ALL=(ALL) NOPASSWD: /bin/ls\n'},
    'bob',
    'take NOPASSWD away at /etc/sudoers:1: visudo -f /etc/sudoers',
  ],
  [
    'sudo that asks nobody',
    {sudo: {password_required: true}},
    {'/etc/sudoers': 'Defaults !authenticate\n'},
    'ALL',
    /take !authenticate away/,
  ],
  [
    'sudo that spares a group',
    {sudo: {password_required: true}},
    {'/etc/sudoers': 'Defaults exempt_group=admin\n'},
    '%admin',
    /take exempt_group away/,
  ],
  [
    'sudo for all by alias',
    {sudo: {all_commands_only: ['root']}},
    {'/etc/sudoers': 'User_Alias OPS = bob\nCmnd_Alias ANY = ALL\nOPS ALL = ANY\n'},
    'bob',
    /^name the commands that bob needs/,
  ],
] as const) {
  test(`accountKind finds ${what} and says how to cure it`, async t => {
    const [judgement, ...rest] = await judge(check, files as Fixture['files']);
    t.deepEqual(rest, []);
    t.like(judgement, {subject, verdict: 'fail'});
    const given = judgement?.verdict === 'fail' ? (judgement.cure ?? '') : '';
    if (typeof cure === 'string') t.is(given, cure);
    else t.regex(given, cure);
  });
}

for (const [what, check, files] of [
  ['root alone', {sudo: {password_required: true}}, {'/etc/sudoers': 'root ALL=(ALL) NOPASSWD: ALL\n'}],
  [
    'all commands as somebody else',
    {sudo: {all_commands_only: ['root']}},
    {'/etc/sudoers': 'bob ALL=(postgres) ALL\n'},
  ],
  ['one command', {sudo: {all_commands_only: ['root']}}, {'/etc/sudoers': 'bob ALL=(ALL) /bin/ls\n'}],
  [
    'a password that a later tag wants back',
    {sudo: {password_required: true}},
    {'/etc/sudoers': 'bob ALL= PASSWD: /bin/ls\nDefaults !authenticate\nDefaults authenticate\n'},
  ],
] as const) {
  test(`accountKind accepts sudoers with ${what}`, async t => {
    t.deepEqual(short(await judge(check, files)), ['accounts pass']);
  });
}

for (const [what, check, files, subject] of [
  ['unreadable passwords', {password: ['locked', 'none', 'set']}, {}, 'root and 3 more'],
  ['unreadable schemes', {who: 'people', password_scheme: ['yescrypt']}, {}, 'alice and 1 more'],
  ['unreadable ageing', {who: ['bob'], ageing: {max_days_at_most: 90}}, {}, 'bob'],
  ['unreadable shadow lines', {well_formed: true}, {}, 'account files'],
  ['a home that does not answer', {who: ['alice'], home: {exists: true}}, {'/home/alice/': {error: 'EIO'}}, 'alice'],
  [
    'a link in a home',
    {who: ['alice'], home_files: {mode_at_most: {'.profile': '0644'}}},
    {'/home/alice/.profile': {link: '/etc/shadow'}},
    'alice',
  ],
  ['a directory in a home that may not be read', {who: ['alice'], home_files: {absent: ['.ssh/rc']}}, {}, 'alice'],
  [
    'unreadable sudoers',
    {sudo: {password_required: true}},
    {'/etc/sudoers': {mode: '0440', content: 'x ALL=ALL'}},
    'sudo',
  ],
  ['unreadable passwd', {uid0_only: true}, {'/etc/passwd': {read_error: 'EIO'}}, 'accounts'],
] as const) {
  test(`accountKind is unknown with ${what}`, async t => {
    t.deepEqual(short(await judge(check, files as Fixture['files'], {looker: 4242})), [`${subject} unknown`]);
  });
}

test('accountKind reports what it can see although shadow is unreadable', async t => {
  t.deepEqual(short(await judge({who: 'people', password: ['set'], shell_in: ['/bin/bash']}, {}, {looker: 1000})), [
    'bob fail',
    'alice unknown',
  ]);
});

test('accountKind shows no hash', async t => {
  const judgements = await judge({password: ['none'], password_scheme: ['des']});
  t.false(JSON.stringify(judgements).includes('$aa$'));
});

test('accountKind judges 100,000 users in linear time', async t => {
  const numbers = Array.from({length: 100_000}, (_, index) => index + 1000);
  const started = process.cpuUsage();
  const judgements = await judge(
    {who: 'people', home: {exists: true}, unique: ['uid']},
    {'/etc/passwd': numbers.map(n => `u${n}:*:${n}:0::/home/alice:/bin/sh\n`).join('')},
  );
  t.deepEqual(short(judgements), ['accounts pass']);
  t.true(cpuMs(started) < 10_000);
});

for (const [check, count] of [
  [{}, 1],
  [{who: 'people'}, 2],
  [{who: 'all', unique: ['uid']}, 0],
  [{home_files: {owner: 'self'}}, 1],
  [{group_members: {group: 'x'}}, 1],
] as const) {
  test(`accountKind finds ${count} problems in ${JSON.stringify(check)}`, t => {
    t.is(accountKind.problems?.(check as never).length, count);
  });
}

for (const [check, empty] of [
  [{password: ['set']}, false],
  [{who: 'login', password: ['set']}, false],
  [{who: 'people', password: ['set']}, true],
  [{password: ['set'], except: ['root']}, true],
  [{password_scheme: ['yescrypt']}, true],
  [{home: {mode_at_most: '0700'}}, true],
  [{home: {exists: true}}, false],
  [{unique: ['uid']}, false],
  [{group_members: {group: 'x', in: []}}, true],
  [{sudo: {password_required: true}}, true],
] as const) {
  test(`accountKind ${empty ? 'may' : 'may not'} come up empty with ${JSON.stringify(check)}`, t => {
    t.is(accountKind.canBeEmpty(check as never), empty);
  });
}

test('accountKind is unknown, not empty, when a passwd without root leaves nobody to judge', async t => {
  t.deepEqual(short(await judge({who: 'login', password: ['set']}, {'/etc/passwd': 'daemon:*:2:2::/:\n'})), [
    'accounts unknown',
  ]);
});

for (const check of [
  {
    who: 'people',
    password: ['set'],
    password_scheme: ['yescrypt', 'sha512'],
    ageing: {max_days_at_most: 365, min_days_at_least: 0, warn_days_at_least: 7},
    shell_in: ['/bin/bash', '/bin/sh'],
  },
  {who: ['alice'], ageing: {inactive_days_at_most: 30}, home: {exists: true, owner: 'self', mode_at_most: '0750'}},
  {
    who: ['alice'],
    home_files: {
      absent: ['.rhosts'],
      present: ['.ssh'],
      mode_at_most: {'.ssh': '0700', '.ssh/authorized_keys': '0600'},
      owner: 'self',
    },
  },
  {who: 'system', shell_not_login: true},
  {
    unique: ['uid', 'name', 'gid', 'group-name'],
    uid0_only: true,
    well_formed: true,
    group_members: {group: 'sudo', in: ['alice'], includes: ['alice']},
  },
  {group_members: {group: 'adm', in: []}},
  {sudo: {password_required: true, all_commands_only: ['root', '%sudo']}},
]) {
  test(`accountKind turns each expectation of ${JSON.stringify(check)}`, async t => {
    t.deepEqual(short(await judge(check)), ['accounts pass']);
    const flips = accountKind.flips(check as never);
    t.true(flips.length > 0);
    for (const flip of flips)
      t.true(
        (await judge(flip.check)).some(({verdict}) => verdict === 'fail'),
        flip.what,
      );
  });
}
