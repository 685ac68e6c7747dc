import {join} from 'node:path';
import test from 'ava';
import {collectFacts} from '../../../../../agent/host/facts/collect.ts';
import {parseEnv} from '../../../../../agent/host/facts/settings/parse/env.ts';
import {parseGcfg} from '../../../../../agent/host/facts/settings/parse/gcfg.ts';
import {localHost} from '../../../../../agent/host/local/host.ts';
import type {SettingRequest} from '../../../../../policies/facts/setting.ts';
import {seeded} from '../../../../helpers/random.ts';
import {ask, writeTree} from '../../../../helpers/settings/tree.ts';

const look = async (root: string, requests: SettingRequest[]) => {
  const {facts} = await collectFacts(
    localHost(root),
    requests.map(request => ({fact: 'setting', ...request})),
  );
  return requests.map(request => facts.get({fact: 'setting', ...request}));
};

test('parseGcfg() says what git says of 200 configurations', t => {
  const below = seeded(7);
  const pick = <T>(list: T[]): T => list[below(list.length)] as T;
  const value = () =>
    pick([
      'x',
      'two words',
      '"quoted # text"',
      'a "b c" d',
      '"a\\"b"',
      'x\\\\y',
      'a\\tb',
      'a ; note',
      'b # note',
      '',
      '  padded  ',
      '"  kept  "',
      'joined \\\nline',
      'joined\\\n  more',
      '"never\\nmind"',
      'a=b',
      'ümlaut',
    ]);
  const line = () =>
    pick([
      () => `[${pick(['core', 'Core', 'x-y', 'a.b'])}]`,
      () => `[core "${pick(['Sub', 'sub', 'a b', 'q\\"q', 'b\\\\s'])}"]`,
      () =>
        `${pick(['', '  ', '\t'])}${pick(['key', 'Key', 'other-key', 'k1'])}${pick([' = ', '=', ' =', '= '])}${value()}`,
      () => `${pick(['flag', 'Flag'])}${pick(['', ' '])}`,
      () => pick(['', '# note', '; note', '   ']),
      () => `[core] inline = ${pick(['x', 'y z'])}`,
    ])();
  const files: {[path: string]: string} = {};
  for (let index = 0; index < 200; index++) {
    const lines = Array.from({length: 1 + below(8)}, line);
    files[`${index}.gcfg`] = `[first]\n${lines.join(pick(['\n', '\n', '\r\n']))}\n`;
  }
  const root = writeTree(t, files);
  for (const [path, text] of Object.entries(files)) {
    const said = ask(t, ['git', 'config', '-f', join(root, path), '--list', '--null']);
    if (said === null) return;
    const theirs = said
      .split('\0')
      .slice(0, -1)
      .map(entry => (entry.includes('\n') ? entry : `${entry}\ntrue`));
    const {entries, faults} = parseGcfg(text);
    const ours = entries.map(({section, key, value}) => {
      const [name = '', sub] = section.split('\n');
      return `${[name, ...(sub === undefined ? [] : [JSON.parse(sub) as string]), key].join('.')}\n${value}`;
    });
    t.deepEqual(faults, [], text);
    t.deepEqual(ours, theirs, text);
  }
});

test('parseEnv() says what a shell says where both know the syntax', t => {
  const text = [
    'A=plain',
    'B="two words"',
    "C='single $A'",
    'D="a \\"b\\" \\\\ \\$x"',
    'export E=exported',
    'F=a\\ b',
    'G=',
    'H=\'x\'"y"z',
    'I="over\nlines"',
    '# note',
    'A=again',
  ].join('\n');
  const root = writeTree(t, {env: `${text}\n`});
  const said = ask(t, [
    'sh',
    '-c',
    `. ${join(root, 'env')}; printf '%s\\0' "$A" "$B" "$C" "$D" "$E" "$F" "$G" "$H" "$I"`,
  ]);
  if (said === null) return;
  const values = new Map(parseEnv(text).map(({key, value}) => [key, value]));
  t.deepEqual(
    [...'ABCDEFGHI'].map(key => values.get(key)),
    said.split('\0').slice(0, -1),
  );
});

test('collectSetting() says what apt-config says of 60 configurations', async t => {
  const below = seeded(11);
  const pick = <T>(list: T[]): T => list[below(list.length)] as T;
  const name = () => pick(['One', 'Two', 'three', 'Four-4']);
  const word = () =>
    pick([
      '"1"',
      '"true"',
      '"two words"',
      '"http://x:1/"',
      'bare',
      '"a" "b"',
      '"# no note"',
      '"{ no list"',
      '"semi;colon"',
    ]);
  const statement = (depth: number): string => {
    const kind = below(depth < 3 ? 8 : 5);
    if (kind === 0) return `${name()}:: ${word()};`;
    if (kind === 1) return pick(['// note\n', '# note\n', '/* a; { b */ ']);
    if (kind <= 4) return `${pick([name(), `${name()}::${name()}`])} ${word()};`;
    if (kind === 5)
      return `${name()} { ${Array.from({length: 1 + below(3)}, () => `"${pick(['x', 'y', 'z'])}"; `).join('')}};`;
    return `${name()} {\n${Array.from({length: 1 + below(3)}, () => statement(depth + 1)).join('\n')}\n};`;
  };
  for (let index = 0; index < 60; index++) {
    const body = () =>
      `T { ${Array.from({length: 1 + below(4)}, () => statement(0)).join('\n')} };\n${pick(['', 'T::One::Two "late";', '#clear T::Two;', 't::ONE "case";'])}\n`;
    const root = writeTree(t, {
      'etc/apt/apt.conf.d/10a': body(),
      'etc/apt/apt.conf.d/20b.conf': body(),
      'etc/apt/apt.conf.d/30c.bak': 'T::One "never";',
      'etc/apt/apt.conf': body(),
      'env.conf': '',
    });
    const parts = `Dir::Etc::Parts "${root}/etc/apt/apt.conf.d"; Dir::Etc::main "${root}/etc/apt/apt.conf";`;
    const environment = writeTree(t, {'apt.conf': parts});
    const said = ask(t, ['apt-config', 'dump'], {APT_CONFIG: join(environment, 'apt.conf')});
    if (said === null) return;
    const theirs = new Map<string, string[]>();
    for (const [, key = '', value = ''] of said.matchAll(/^(T::.*?) "(.*)";$/gm)) {
      const plain = key.replace(/::$/, '');
      if (value !== '') theirs.set(plain, [...(theirs.get(plain) ?? []), value]);
      else if (!theirs.has(plain)) theirs.set(plain, []);
    }
    t.true(theirs.size > 0, said);
    const requests = [...theirs.keys()].map((key): SettingRequest => ({format: 'apt.conf', files: [], key}));
    for (const [at, answer] of (await look(root, requests)).entries()) {
      const key = requests[at]?.key as string;
      const ours = answer.state === 'seen' ? answer.value.values.map(({value}) => value) : [answer.reason];
      t.deepEqual(
        ours.filter(value => value !== ''),
        theirs.get(key),
        `${key}\n${said}`,
      );
    }
  }
});

test('collectSetting() reads the files of journald.conf in the order of systemd-analyze cat-config', async t => {
  const body = (value: string) => `[Journal]\nStorage=${value}\n`;
  const root = writeTree(t, {
    'etc/systemd/journald.conf': body('main'),
    'etc/systemd/journald.conf.d/50-x.conf': body('etc'),
    'etc/systemd/journald.conf.d/zz.conf': '->/dev/null',
    'run/systemd/journald.conf.d/50-x.conf': body('hidden'),
    'run/systemd/journald.conf.d/40-y.conf': body('run'),
    'usr/local/lib/systemd/journald.conf.d/60-w.conf': body('local'),
    'usr/lib/systemd/journald.conf.d/60-w.conf': body('hidden'),
    'usr/lib/systemd/journald.conf.d/45-v.conf': body('vendor'),
    'usr/lib/systemd/journald.conf.d/zz.conf': body('masked'),
    'usr/lib/systemd/journald.conf.d/note.txt': body('no'),
  });
  const said = ask(t, ['systemd-analyze', `--root=${root}`, '--no-pager', 'cat-config', 'systemd/journald.conf']);
  if (said === null) return;
  const theirs = [...said.matchAll(/^# (\/.*)$/gm)]
    .map(match => (match[1] as string).replace(root, ''))
    .filter(path => !path.endsWith('/zz.conf'));
  const [answer] = await look(root, [
    {format: 'systemd-conf', files: ['/etc/systemd/journald.conf'], key: 'Journal.Storage'},
  ]);
  t.is(answer?.state, 'seen');
  if (answer?.state !== 'seen') return;
  t.deepEqual(answer.where, theirs);
  t.is(answer.value.values[0]?.value, [...said.matchAll(/^Storage=(.*)$/gm)].at(-1)?.[1]);
});

const switches = new Map([
  ['PrivateTmp', 'yes'],
  ['NoNewPrivileges', 'yes'],
  ['PrivateDevices', 'yes'],
  ['ProtectKernelTunables', 'yes'],
  ['ProtectClock', 'yes'],
  ['LockPersonality', 'yes'],
]);

test('collectSetting() takes the drop-ins of a unit that systemd takes, in 30 trees', async t => {
  const below = seeded(13);
  const pick = <T>(list: T[]): T => list[below(list.length)] as T;
  for (let index = 0; index < 30; index++) {
    const unit = pick(['foo-bar-baz.service', 'foo-bar@one.service', 'plain.service']);
    const file = unit.replace('@one', '@');
    const lines = () =>
      [
        '[Service]',
        ...[...switches.keys()]
          .filter(() => below(3) === 0)
          .map(key => `${key}=${pick(['yes', 'no', 'true', 'off', ''])}`),
      ].join('\n');
    const files: {[path: string]: string} = {
      [`usr/lib/systemd/system/${file}`]: `[Service]\nExecStart=/bin/true\n${lines()}\n`,
    };
    const names = [
      unit,
      file,
      'foo-.service',
      'foo-bar-.service',
      'foo-@.service',
      'foo-@one.service',
      'service',
      'other.service',
      'foo-bar.service',
    ];
    for (let left = 1 + below(6); left > 0; left--) {
      const directory = pick(['etc', 'run', 'usr/lib', 'usr/local/lib']);
      files[`${directory}/systemd/system/${pick(names)}.d/${below(3)}0-x.${pick(['conf', 'conf', 'conf', 'txt'])}`] =
        below(9) === 0 ? '->/dev/null' : `${lines()}\n`;
    }
    const root = writeTree(t, files);
    const said = ask(t, [
      'systemd-analyze',
      '--no-pager',
      'security',
      '--offline=true',
      `--root=${root}`,
      '--json=short',
      unit,
    ]);
    if (said === null) return;
    const report = JSON.parse(said) as Array<{name: string; set: boolean | null}>;
    const requests = [...switches.keys()].map(
      (key): SettingRequest => ({format: 'systemd-unit', files: [], unit, key: `Service.${key}`}),
    );
    for (const [at, answer] of (await look(root, requests)).entries()) {
      const key = [...switches.keys()][at];
      const value = answer.state === 'seen' ? (answer.value.values[0]?.value ?? 'no') : answer.reason;
      const theirs = report.find(({name}) => name === `${key}=`)?.set;
      t.is(['yes', 'true'].includes(value), theirs as boolean, `${key} is ${value}\n${JSON.stringify(files, null, 1)}`);
    }
  }
});
