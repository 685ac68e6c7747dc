import test from 'ava';
import {collectFacts} from '../../../agent/host/facts/collect.ts';
import type {Fixture} from '../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../agent/host/memory/host.ts';
import {settingFormats} from '../../../policies/facts/setting.ts';
import type {Judgement} from '../../../policies/finding.ts';
import {settingKind} from '../../../policies/kinds/setting.ts';
import {mismatches} from '../../../policies/load/schema.ts';

const openssh = {
  '/var/lib/dpkg/status':
    'Package: openssh-server\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:9.2p1-2+deb12u10\n\n',
  '/lib/systemd/system/ssh.service': '[Service]\n',
};

async function judge(check: object, files: Fixture['files'], over: Fixture = {}): Promise<Judgement> {
  const fixture = {...over, files: {...openssh, ...files}};
  const {facts} = await collectFacts(memoryHost(fixture), settingKind.wants(check as never, {rule: 'x'}));
  const [judgement] = settingKind.judge(check as never, facts, {now: 0, rule: 'x'});
  return judgement as Judgement;
}

const rootLogin = {format: 'sshd', key: 'PermitRootLogin', is: 'no'};
const include = 'Include /etc/ssh/sshd_config.d/*.conf\n';

test('setting fails for a drop-in that wins over a right main file, and says where and what to do', async t => {
  const files = {
    '/etc/ssh/sshd_config': `${include}PermitRootLogin no\n`,
    '/etc/ssh/sshd_config.d/50-cloud.conf': '# by cloud-init\nPermitRootLogin yes\n',
  };
  t.deepEqual(await judge(rootLogin, files), {
    subject: 'sshd PermitRootLogin',
    verdict: 'fail',
    compared: [{what: 'PermitRootLogin', expected: 'no', actual: 'yes', ok: false}],
    where: ['/etc/ssh/sshd_config.d/50-cloud.conf:2'],
    scope: 'persistent',
    cure: 'set "PermitRootLogin no" in /etc/ssh/sshd_config.d/00-reeve.conf, before /etc/ssh/sshd_config.d/50-cloud.conf:2, which wins now, then systemctl reload ssh',
  });
});

test('setting passes when the drop-in that wins is right and the main file wrong', async t => {
  const files = {
    '/etc/ssh/sshd_config': `${include}PermitRootLogin yes\n`,
    '/etc/ssh/sshd_config.d/00-reeve.conf': 'PermitRootLogin no\n',
  };
  const judgement = await judge(rootLogin, files);
  t.like(judgement, {verdict: 'pass', where: ['/etc/ssh/sshd_config.d/00-reeve.conf:1']});
});

test('setting judges each Match block that sets the key, and names it', async t => {
  const files = {
    '/etc/ssh/sshd_config':
      'PermitRootLogin no\nMatch User backup\n  PermitRootLogin yes\nMatch Group ops\n  PermitRootLogin no\n',
  };
  const judgement = await judge(rootLogin, files);
  t.is(judgement.verdict, 'fail');
  if (judgement.verdict !== 'fail') return;
  t.deepEqual(
    judgement.compared.map(({what, actual, ok}) => [what, actual, ok]),
    [
      ['PermitRootLogin', 'no', true],
      ['PermitRootLogin in Match user backup (/etc/ssh/sshd_config:2)', 'yes', false],
      ['PermitRootLogin in Match group ops (/etc/ssh/sshd_config:4)', 'no', true],
    ],
  );
  t.deepEqual(judgement.where, ['/etc/ssh/sshd_config:1', '/etc/ssh/sshd_config:2']);
  t.is(judgement.cure, 'change or remove PermitRootLogin in Match user backup at /etc/ssh/sshd_config:3');
  t.is((await judge({...rootLogin, match: 'global'}, files)).verdict, 'pass');
});

test('setting says of a default that it is one, and whose', async t => {
  const judgement = await judge({...rootLogin, is: 'yes'}, {'/etc/ssh/sshd_config': ''});
  t.like(judgement, {verdict: 'fail', where: ['/etc/ssh/sshd_config']});
  t.like(judgement.verdict === 'fail' ? judgement.compared[0] : {}, {
    actual: 'prohibit-password (default of OpenSSH 9.2)',
    expected: 'yes',
  });
  t.is((await judge({format: 'sshd', key: 'X11Forwarding', is: 'no'}, {'/etc/ssh/sshd_config': ''})).verdict, 'pass');
});

test("setting takes the rule's default where the program's is not known, and not otherwise", async t => {
  const check = {format: 'login.defs', key: 'UMASK', in: ['027', '077'], as: 'octal'};
  const files = {'/etc/login.defs': 'UID_MIN 1000\n'};
  t.like(await judge({...check, default: '022'}, files), {verdict: 'fail', compared: [{actual: '022 (default)'}]});
  t.is((await judge({...check, default: '077'}, files)).verdict, 'pass');
  t.like(await judge(check, files), {verdict: 'fail', compared: [{actual: 'not set'}]});
  t.is((await judge({...rootLogin, default: 'no'}, {'/etc/ssh/sshd_config': ''})).verdict, 'fail');
});

test('setting: present asks what is set, and a default does not count', async t => {
  const files = {'/etc/ssh/sshd_config': 'PasswordAuthentication yes\n'};
  t.is((await judge({format: 'sshd', key: 'PasswordAuthentication', present: true}, files)).verdict, 'pass');
  t.is((await judge({format: 'sshd', key: 'PubkeyAuthentication', present: true}, files)).verdict, 'fail');
  t.is((await judge({format: 'sshd', key: 'PubkeyAuthentication', present: false}, files)).verdict, 'pass');
});

test('setting has nothing to judge where sshd does not have the keyword yet', async t => {
  const status =
    'Package: openssh-server\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:8.9p1-3ubuntu0.13\n\n';
  const files = {'/etc/ssh/sshd_config': '', '/var/lib/dpkg/status': status};
  const judgement = await judge({format: 'sshd', key: 'RequiredRSASize', at_least: 2048}, files);
  t.like(judgement, {verdict: 'none', reason: 'the OpenSSH here (1:8.9p1-3ubuntu0.13) has no keyword RequiredRSASize'});
});

test('setting has nothing to judge without the program, and cannot know without its files', async t => {
  const files = {
    '/etc/ssh/sshd_config': 'PermitRootLogin no\n',
    '/var/lib/dpkg/status': 'Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5\n\n',
  };
  t.is((await judge(rootLogin, files)).verdict, 'none');
  t.is((await judge({format: 'login.defs', key: 'UMASK', is: '077'}, {})).verdict, 'none');
});

for (const [what, files, over] of [
  [
    'may not be read by whoever looks',
    {'/etc/ssh/sshd_config': {mode: '0600', content: 'PermitRootLogin no\n'}},
    {looker: 1000},
  ],
  [
    'includes a file that cannot be read',
    {
      '/etc/ssh/sshd_config': `${include}PermitRootLogin no\n`,
      '/etc/ssh/sshd_config.d/a.conf': {content: 'X11Forwarding no\n', read_error: 'EIO'},
    },
    {},
  ],
  [
    'includes files of a directory that cannot be listed',
    {'/etc/ssh/sshd_config': `${include}PermitRootLogin no\n`, '/etc/ssh/sshd_config.d/': {error: 'EACCES'}},
    {},
  ],
  ['is refused by sshd', {'/etc/ssh/sshd_config': 'PermitRootLogin no\nUsePAM perhaps\n'}, {}],
  ['is no regular file', {'/etc/ssh/sshd_config': {type: 'fifo'}}, {}],
] as Array<[string, Fixture['files'], Fixture]>) {
  test(`setting is unknown when sshd_config ${what}, whatever the rest says`, async t => {
    const judgement = await judge(rootLogin, files, over);
    t.is(judgement.verdict, 'unknown');
    if (judgement.verdict === 'unknown') t.regex(judgement.reason, /cannot|refuses/);
  });
}

test('setting reads an image as it reads a machine', async t => {
  t.is((await judge(rootLogin, {'/etc/ssh/sshd_config': 'PermitRootLogin no\n'}, {as: 'image'})).verdict, 'pass');
});

for (const [check, files, cure] of [
  [
    {format: 'login.defs', key: 'UMASK', is: '077'},
    {'/etc/login.defs': 'UMASK 022\n'},
    'set "UMASK 077" in /etc/login.defs',
  ],
  [
    {format: 'ini', file: '/etc/a.ini', section: 'main', key: 'mode', is: 'strict'},
    {'/etc/a.ini': '[main]\nmode=open\n'},
    'set "[main] mode = strict" in /etc/a.ini',
  ],
  [
    {format: 'gcfg', file: '/etc/a.gcfg', key: 'HTTPS.MinimumTLS', at_least: '1.2'},
    {'/etc/a.gcfg': '[HTTPS]\nMinimumTLS = 1.0\n'},
    'set "[HTTPS] MinimumTLS = 1.2" in /etc/a.gcfg',
  ],
  [
    {format: 'json', file: '/etc/a.json', key: 'tls.min', is: '1.2'},
    {'/etc/a.json': '{}'},
    'set "tls.min: 1.2" in /etc/a.json',
  ],
  [
    {format: 'env', file: '/etc/default/a', key: 'A', is: '1'},
    {'/etc/default/a': 'A=2\n'},
    'set "A=1" in /etc/default/a',
  ],
  [
    {format: 'systemd-unit', unit: 'a.service', key: 'Service.UMask', is: '0077'},
    {'/etc/systemd/system/a.service': '[Service]\nUMask=0022\n'},
    'set "[Service] UMask=0077" in /etc/systemd/system/a.service.d/reeve.conf, then systemctl daemon-reload && systemctl restart a.service',
  ],
  [
    {format: 'systemd-unit', unit: 'a.service', key: 'Service.Environment.V', is: '2'},
    {'/etc/systemd/system/a.service': '[Service]\nEnvironment=V=0\n'},
    'set "[Service] Environment=V=2" in /etc/systemd/system/a.service.d/reeve.conf, then systemctl daemon-reload && systemctl restart a.service',
  ],
  [
    {format: 'systemd-conf', file: '/etc/systemd/journald.conf', key: 'Journal.Storage', is: 'persistent'},
    {'/etc/systemd/journald.conf': '[Journal]\n'},
    'set "[Journal] Storage=persistent" in /etc/systemd/journald.conf.d/99-reeve.conf',
  ],
  [
    {format: 'apt.conf', key: 'APT::Periodic::Enable', is: '1'},
    {'/etc/apt/apt.conf': 'A "b";\n'},
    'set \'APT::Periodic::Enable "1";\' in /etc/apt/apt.conf.d/99reeve',
  ],
  [
    {format: 'key-value', file: '/etc/k.conf', key: 'deny', at_most: 5},
    {'/etc/k.conf': 'deny = 9\n'},
    'set "deny = 5" in /etc/k.conf',
  ],
  [
    {format: 'pam', file: 'x', key: 'auth pam_unix.so', contains_none: ['nullok']},
    {'/etc/pam.d/x': 'auth required pam_unix.so nullok\n'},
    'take nullok out of auth pam_unix.so at /etc/pam.d/x:1',
  ],
  [
    {format: 'pam', file: 'x', key: 'auth pam_wheel.so', is: 'required use_uid'},
    {'/etc/pam.d/x': 'auth required pam_unix.so\n'},
    'set "auth required pam_wheel.so use_uid" in /etc/pam.d/x',
  ],
  [
    {format: 'sudoers', key: 'Defaults.use_pty', is: true},
    {'/etc/sudoers': 'Defaults !use_pty\n'},
    'set "Defaults use_pty" in /etc/sudoers.d/reeve, then visudo -c -f /etc/sudoers',
  ],
  [
    {format: 'sudoers', key: 'tags', contains_none: ['NOPASSWD']},
    {'/etc/sudoers': 'a ALL=NOPASSWD: ALL\n'},
    'take NOPASSWD out of tags at /etc/sudoers:1, then visudo -c -f /etc/sudoers',
  ],
  [
    {format: 'limits', key: '* hard core', is: '0'},
    {'/etc/security/limits.conf': ''},
    'set "* hard core 0" in /etc/security/limits.d/99-reeve.conf',
  ],
  [
    {format: 'modprobe', key: 'install udf', is: '/bin/false'},
    {'/etc/modprobe.d/a.conf': ''},
    'set "install udf /bin/false" in /etc/modprobe.d/reeve.conf',
  ],
  [
    {format: 'limits', key: '* hard core', present: false},
    {'/etc/security/limits.conf': '* hard core 0\n'},
    'remove * hard core at /etc/security/limits.conf:1',
  ],
] as Array<[object, Fixture['files'], string]>) {
  test(`setting cures ${JSON.stringify(check)}`, async t => {
    const judgement = await judge(check, files);
    t.is(judgement.verdict, 'fail');
    if (judgement.verdict === 'fail') t.is(judgement.cure, cure);
  });
}

for (const [check, at, message] of [
  [{format: 'sshd', key: 'UsePAM'}, [], /nothing is expected/],
  [{format: 'ini', key: 'a', is: 'b'}, [], /give "file"/],
  [{format: 'systemd-unit', key: 'Service.User', is: 'x'}, [], /needs one/],
  [{format: 'sshd', unit: 'ssh.service', key: 'UsePAM', is: 'yes'}, [], /systemd-unit/],
  [{format: 'login.defs', key: 'UMASK', match: 'any', is: 'x'}, ['match'], /sshd/],
  [{format: 'ini', file: 'relative.ini', key: 'a', is: 'b'}, ['file'], /absolute/],
  [{format: 'pam', file: '../x', key: 'auth pam_unix.so', is: 'b'}, ['file'], /absolute/],
  [{format: 'pam', file: 'sshd', key: 'pam_unix.so', is: 'b'}, ['key'], /a type and a module/],
  [{format: 'limits', key: 'core', is: '0'}, ['key'], /a domain, a type and an item/],
  [{format: 'modprobe', key: 'udf', present: true}, ['key'], /a command and a module/],
  [{format: 'sudoers', key: 'use_pty', is: true}, ['key'], /Defaults.NAME/],
  [{format: 'grub', key: 'timeout', is: '1'}, ['key'], /cmdline/],
  [{format: 'systemd-conf', file: '/etc/systemd/a.conf', key: 'Storage', is: 'x'}, ['key'], /Section.Key/],
] as Array<[object, string[], RegExp]>) {
  test(`setting refuses ${JSON.stringify(check)}`, t => {
    t.deepEqual(mismatches(settingKind.schema, check), []);
    const found = settingKind.problems?.(check as never) ?? [];
    t.is(found.length, 1);
    t.deepEqual(found[0]?.at, at);
    t.regex(found[0]?.message ?? '', message);
  });
}

test('setting names the formats that its schema takes, and refuses others', t => {
  for (const format of settingFormats) t.deepEqual(mismatches(settingKind.schema, {format, key: 'x'}), []);
  t.is(mismatches(settingKind.schema, {format: 'xml', key: 'x'}).length, 1);
});

for (const expectation of [
  {is: 'no'},
  {in: ['no', 'prohibit-password']},
  {is_not: 'yes'},
  {not_in: ['yes']},
  {present: true},
  {contains: ['no']},
  {contains_none: ['yes']},
]) {
  test(`setting notices when ${JSON.stringify(expectation)} is turned`, async t => {
    const check = {format: 'sshd', key: 'PermitRootLogin', ...expectation};
    const files = {'/etc/ssh/sshd_config': 'PermitRootLogin no\nMatch User a\nPermitRootLogin no\n'};
    t.is((await judge(check, files)).verdict, 'pass');
    for (const {check: flipped, what} of settingKind.flips(check as never))
      t.is((await judge(flipped, files)).verdict, 'fail', what);
  });
}

test('setting says what it looks at and what is wanted', t => {
  const check = {format: 'ini', file: '/etc/a.ini', section: 'main', key: 'mode', is: 'strict'} as never;
  t.is(settingKind.wanted(check), '/etc/a.ini [main] mode: strict');
  t.is(
    settingKind.looks(rootLogin as never),
    'Reads PermitRootLogin as sshd does, with all files that belong to it, and which of them wins.',
  );
});
