import test from 'ava';
import {collectFacts} from '../../../../agent/host/facts/collect.ts';
import type {Host} from '../../../../agent/host/host.ts';
import {localHost} from '../../../../agent/host/local/host.ts';
import type {Fixture} from '../../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../../agent/host/memory/host.ts';
import type {Answer} from '../../../../policies/facts/answer.ts';
import {type SettingFact, type SettingRequest, settingFormats} from '../../../../policies/facts/setting.ts';
import {cpuMs} from '../../../helpers/cpu.ts';
import {mutated, seeded} from '../../../helpers/random.ts';
import {settingFixtures} from '../../../helpers/settings/fixture.ts';

type Question = Omit<SettingRequest, 'files'> & {files?: string[]};

async function ask(host: Host, questions: Question[]): Promise<Array<Answer<SettingFact>>> {
  const requests = questions.map((question): {fact: 'setting'} & SettingRequest => ({
    fact: 'setting',
    files: [],
    ...question,
  }));
  const {facts} = await collectFacts(host, requests);
  return requests.map(request => facts.get(request));
}

const look = async (files: NonNullable<Fixture['files']>, question: Question): Promise<Answer<SettingFact>> =>
  (await ask(memoryHost({files}), [question]))[0] as Answer<SettingFact>;

const reasonOf = (answer: Answer<unknown>): string =>
  answer.state === 'seen' ? 'seen' : `${answer.state}: ${answer.reason}`;

test('collectSetting() reads each file once for 60 rules', async t => {
  const opened = new Map<string, number>();
  const inner = memoryHost({
    files: {
      '/etc/login.defs': 'UMASK 077\n',
      '/etc/sudoers': 'Defaults use_pty\n@includedir /etc/sudoers.d\n',
      '/etc/sudoers.d/a': 'Defaults env_reset\n',
      '/usr/sbin/sshd': '',
      '/etc/ssh/sshd_config': 'Include /etc/ssh/a.conf\n',
      '/etc/ssh/a.conf': 'UsePAM yes\n',
    },
  });
  const readFile: Host['fs']['readFile'] = (path, options) => {
    opened.set(path, (opened.get(path) ?? 0) + 1);
    return inner.fs.readFile(path, options);
  };
  const keys = ['UMASK', 'UID_MIN', 'GID_MIN'];
  const questions = Array.from({length: 20}, (_, index): Question[] => [
    {format: 'login.defs', key: keys[index % 3] as string},
    {format: 'sudoers', key: `Defaults.${['use_pty', 'env_reset', 'logfile'][index % 3]}`},
    {format: 'sshd', key: ['UsePAM', 'PermitRootLogin', 'Banner'][index % 3] as string},
  ]).flat();
  await ask({...inner, fs: {...inner.fs, readFile}}, questions);
  const own = [...opened].filter(([path]) => /^\/etc\/(?:login|sudoers|ssh)/.test(path));
  t.deepEqual(
    own.filter(([, count]) => count !== 1),
    [],
  );
  t.is(own.length, 5);
});

for (const [what, files, question, reason] of [
  [
    'a file over 1 MiB',
    {'/etc/login.defs': `UMASK 077\n${'#'.repeat(1024 * 1024)}\n`},
    {format: 'login.defs', key: 'UMASK'},
    /larger than 1048576 bytes/,
  ],
  [
    'a file with NUL bytes',
    {'/etc/login.defs': {base64: Buffer.from('UMASK 077\0\nUMASK 022\n').toString('base64')}},
    {format: 'login.defs', key: 'UMASK'},
    /NUL/,
  ],
  [
    'a directory in place of the file',
    {'/etc/login.defs/': {}},
    {format: 'login.defs', key: 'UMASK'},
    /is a directory/,
  ],
  [
    'a file that fails to be read',
    {'/etc/login.defs': {read_error: 'EIO'}},
    {format: 'login.defs', key: 'UMASK'},
    /damaged/,
  ],
  [
    'a link that leads in a circle',
    {'/etc/login.defs': {link: '/etc/login.defs'}},
    {format: 'login.defs', key: 'UMASK'},
    /too many links/,
  ],
  [
    '1,001 drop-ins',
    Object.fromEntries([
      ['/etc/security/limits.conf', ''],
      ...Array.from({length: 1001}, (_, index) => [`/etc/security/limits.d/${index}.conf`, '']),
    ]),
    {format: 'limits', key: '* hard core'},
    /more than 1000 files/,
  ],
  [
    'JSON nested without end',
    {'/a.json': `${'['.repeat(5000)}${']'.repeat(5000)}`},
    {format: 'json', files: ['/a.json'], key: '0'},
    /nested more than/,
  ],
  [
    'YAML nested without end',
    {'/a.yaml': '['.repeat(100_000)},
    {format: 'yaml', files: ['/a.yaml'], key: '0'},
    /nested more than/,
  ],
  [
    'YAML lists nested without end',
    {'/a.yaml': '- '.repeat(50_000)},
    {format: 'yaml', files: ['/a.yaml'], key: 'x'},
    /not readable YAML|nested|YAML/,
  ],
  [
    'TOML nested without end',
    {'/a.toml': `a = ${'['.repeat(5000)}`},
    {format: 'toml', files: ['/a.toml'], key: 'a'},
    /not valid TOML/,
  ],
  [
    'apt.conf nested without end',
    {'/etc/apt/apt.conf': 'a {'.repeat(500)},
    {format: 'apt.conf', key: 'a'},
    /nested more than/,
  ],
  [
    'apt.conf that includes itself',
    {'/etc/apt/apt.conf': '#include "/etc/apt/apt.conf";'},
    {format: 'apt.conf', key: 'a'},
    /included more than/,
  ],
  [
    'sudoers that include each other 17 deep',
    Object.fromEntries([
      ['/etc/sudoers', '@include /s/1'],
      ...Array.from({length: 18}, (_, index) => [`/s/${index + 1}`, `@include /s/${index + 2}`]),
    ]),
    {format: 'sudoers', key: 'tags'},
    /more than 16 deep/,
  ],
  [
    'PAM files that each include the next one twice',
    Object.fromEntries(
      Array.from({length: 15}, (_, index) => [
        `/etc/pam.d/s${index}`,
        `@include s${index + 1}\n@include s${index + 1}\n`,
      ]),
    ),
    {format: 'pam', files: ['s0'], key: 'auth pam_unix.so'},
    /without end/,
  ],
  [
    'sudoers aliases that double each time',
    {
      '/etc/sudoers': `${Array.from({length: 31}, (_, index) => `User_Alias A${index} = A${index + 1}, A${index + 1}`).join('\n')}\nA0 ALL = ALL\n`,
    },
    {format: 'sudoers', key: 'tags'},
    /too many members/,
  ],
] as Array<[string, NonNullable<Fixture['files']>, Question, RegExp]>) {
  test(`collectSetting() does not know a value from ${what}`, async t => {
    const answer = await look(files, question);
    t.is(answer.state, 'unseen', reasonOf(answer));
    t.regex(reasonOf(answer), reason);
    t.notRegex(reasonOf(answer), /bug in reeve/);
  });
}

test('collectSetting() sees a value beside a line of a million characters, in any format', async t => {
  const long = 'x'.repeat(1_000_000);
  const started = process.cpuUsage();
  for (const [files, question] of [
    [{'/etc/login.defs': `UMASK 077\n${long}\n`}, {format: 'login.defs', key: 'UMASK'}],
    [{'/a': `[s]\nk = v\n${long}\n`}, {format: 'ini', files: ['/a'], section: 's', key: 'k'}],
    [{'/a': `k = v\n${long}\n`}, {format: 'key-value', files: ['/a'], key: 'k'}],
    [{'/a': `k=v\nL="${long}"\n`}, {format: 'env', files: ['/a'], key: 'k'}],
    [{'/a': `[s]\nk = v\nl = "${long}"\n`}, {format: 'gcfg', files: ['/a'], key: 's.k'}],
    [{'/a': `{"k": "v", "l": "${long}"}`}, {format: 'json', files: ['/a'], key: 'k'}],
    [{'/a': `k: v\nl: ${long.slice(0, 250_000)}\n`}, {format: 'yaml', files: ['/a'], key: 'k'}],
    [{'/a': `k = "v"\nl = "${long}"\n`}, {format: 'toml', files: ['/a'], key: 'k'}],
    [{'/etc/apt/apt.conf': `k "v";\nl "${long}";`}, {format: 'apt.conf', key: 'k'}],
    [{'/etc/security/limits.conf': `* hard core 0\n${long}\n`}, {format: 'limits', key: '* hard core'}],
    [{'/etc/modprobe.d/a.conf': `blacklist x\nblacklist ${long}\n`}, {format: 'modprobe', key: 'blacklist x'}],
    [
      {'/etc/pam.d/x': `auth required a.so\nauth required b.so ${long}\n`},
      {format: 'pam', files: ['x'], key: 'auth a.so'},
    ],
    [
      {'/etc/sudoers': `Defaults use_pty\n# ${long.slice(0, 500_000)}\n${long.slice(0, 500_000)} ALL = ALL\n`},
      {format: 'sudoers', key: 'Defaults.use_pty'},
    ],
    [
      {'/etc/systemd/a.conf': `[S]\nK=v\nL=${long}\n`},
      {format: 'systemd-conf', files: ['/etc/systemd/a.conf'], key: 'S.K'},
    ],
    [
      {'/etc/systemd/system/a.service': `[Service]\nUser=v\nX=${long}\n`},
      {format: 'systemd-unit', unit: 'a.service', key: 'Service.User'},
    ],
    [
      {'/usr/sbin/sshd': '', '/etc/ssh/sshd_config': `UsePAM yes\nAllowUsers ${long}\n`},
      {format: 'sshd', key: 'UsePAM'},
    ],
    [{'/boot/grub/grub.cfg': `set superusers="v"\n${long}\n`}, {format: 'grub', key: 'superusers'}],
  ] as Array<[NonNullable<Fixture['files']>, Question]>) {
    const answer = await look(files, question);
    t.is(answer.state === 'seen' ? answer.value.values.length : 0, 1, `${question.format}: ${reasonOf(answer)}`);
  }
  t.true(cpuMs(started) < 15_000);
});

test('collectSetting() keeps bytes that are not UTF-8 apart from what they look like', async t => {
  const content = Buffer.concat([Buffer.from('NAME a'), Buffer.from([0xff, 0xe9]), Buffer.from('b\nUMASK 077\n')]);
  const answer = await look(
    {'/etc/login.defs': {base64: content.toString('base64')}},
    {format: 'login.defs', key: 'NAME'},
  );
  t.is(answer.state === 'seen' ? answer.value.values[0]?.value : '', 'a\udcff\udce9b');
});

test('collectSetting() matches hostile patterns in bounded time', async t => {
  const name = 'a'.repeat(250);
  const started = process.cpuUsage();
  const answer = await look(
    {
      '/usr/sbin/sshd': '',
      '/etc/ssh/sshd_config': `Include ${'*a'.repeat(100)}*b\nUsePAM yes\n`,
      [`/etc/ssh/${name}`]: '',
    },
    {format: 'sshd', key: 'UsePAM'},
  );
  t.is(answer.state, 'seen');
  t.true(cpuMs(started) < 2000);
});

test('collectSetting() reads a YAML document whose aliases unfold without end', async t => {
  const lines = [
    'a0: &a0 [x, x]',
    ...Array.from({length: 40}, (_, index) => `a${index + 1}: &a${index + 1} [*a${index}, *a${index}]`),
    'key: value',
  ];
  const answer = await look({'/a.yaml': lines.join('\n')}, {format: 'yaml', files: ['/a.yaml'], key: 'key'});
  t.is(answer.state === 'seen' ? answer.value.values[0]?.value : reasonOf(answer), 'value');
});

test('collectSetting() has an answer for 2,000 damaged files, and never a bug', async t => {
  const below = seeded(23);
  const fixtures = settingFixtures();
  for (let round = 0; round < 2000; round++) {
    const fixture = fixtures[below(fixtures.length)] as (typeof fixtures)[number];
    const paths = Object.keys(fixture.files);
    const path = paths[below(paths.length)];
    const content = path === undefined ? undefined : fixture.files[path];
    if (path === undefined || typeof content !== 'string') continue;
    const files = {...fixture.files, [path]: {base64: mutated(Buffer.from(content), below).toString('base64')}};
    const question = fixture.questions[below(fixture.questions.length)] as SettingRequest;
    const answer = await look(files, question);
    t.notRegex(reasonOf(answer), /bug in reeve/, `${fixture.name}: ${JSON.stringify(files[path])}`);
  }
});

test('collectSetting() looks at this machine with every format, whoever looks', async t => {
  const questions: Question[] = [
    {format: 'login.defs', key: 'UID_MIN'},
    {format: 'apt.conf', key: 'APT::Periodic::Enable'},
    {format: 'sudoers', key: 'tags'},
    {format: 'sshd', key: 'PermitRootLogin'},
    {format: 'limits', key: '* hard core'},
    {format: 'modprobe', key: 'blacklist pcspkr'},
    {format: 'pam', files: ['login'], key: 'auth pam_unix.so'},
    {format: 'grub', key: 'cmdline'},
    {format: 'grub', key: 'password'},
    {format: 'systemd-conf', files: ['/etc/systemd/journald.conf'], key: 'Journal.Storage'},
    {format: 'systemd-unit', unit: 'systemd-journald.service', key: 'Service.Environment.PATH'},
    {format: 'env', files: ['/etc/os-release'], key: 'ID'},
    {format: 'key-value', files: ['/etc/host.conf'], key: 'multi'},
    {format: 'ini', files: ['/etc/none.ini'], key: 'x'},
    {format: 'gcfg', files: ['/etc/none.gcfg'], key: 'a.b'},
    {format: 'json', files: ['/etc/none.json'], key: 'x'},
    {format: 'yaml', files: ['/etc/none.yaml'], key: 'x'},
    {format: 'toml', files: ['/etc/none.toml'], key: 'x'},
  ];
  t.deepEqual([...new Set(questions.map(({format}) => format))].sort(), [...settingFormats].sort());
  const answers = await ask(localHost('/'), questions);
  for (const [index, answer] of answers.entries())
    t.notRegex(reasonOf(answer), /bug in reeve/, questions[index]?.format);
  t.is(answers[0]?.state, 'seen');
  const id = answers[11];
  t.is(id?.state === 'seen' ? id.value.values.length : 0, 1);
});
