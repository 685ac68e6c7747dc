import {spawnSync} from 'node:child_process';
import {chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import test from 'ava';
import {collectFacts} from '../../../../agent/host/facts/collect.ts';
import {parseUnitFile} from '../../../../agent/host/facts/units/file.ts';
import {parseUnits, showUnits} from '../../../../agent/host/facts/units/live.ts';
import type {Host} from '../../../../agent/host/host.ts';
import {localHost} from '../../../../agent/host/local/host.ts';
import type {Fixture} from '../../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../../agent/host/memory/host.ts';
import type {Answer} from '../../../../policies/facts/answer.ts';
import type {UnitsFact} from '../../../../policies/facts/units.ts';

const look = async (host: Host): Promise<Answer<UnitsFact>> =>
  (await collectFacts(host, [{fact: 'units'}])).facts.get({fact: 'units'});

async function lookAt(fixture: Fixture): Promise<UnitsFact> {
  const answer = await look(memoryHost(fixture));
  if (answer.state !== 'seen') throw new Error(`${answer.state}: ${answer.reason}`);
  return answer.value;
}
const states = (fact: UnitsFact) => Object.fromEntries(fact.units.map(({name, state}) => [name, state]));

const wanted = '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n';
const plain = '[Service]\nExecStart=/bin/true\n';
const lib = '/usr/lib/systemd/system';
const etc = '/etc/systemd/system';
const run = '/run/systemd/system';

/** A tree with every way of being enabled that we know of. A value that begins with → is a link. */
const tree: {[path: string]: string} = {
  '/lib': '→usr/lib',
  [`${lib}/multi-user.target`]: '[Unit]\nDescription=x\n',
  [`${lib}/graphical.target`]: '[Unit]\nDescription=x\n',
  [`${lib}/default.target`]: '→graphical.target',
  [`${lib}/on.service`]: wanted,
  [`${etc}/multi-user.target.wants/on.service`]: `→${lib}/on.service`,
  [`${lib}/old-path.service`]: wanted,
  [`${etc}/multi-user.target.wants/old-path.service`]: '→/lib/systemd/system/old-path.service',
  [`${lib}/off.service`]: wanted,
  [`${lib}/required.service`]: '[Install]\nRequiredBy=multi-user.target\n',
  [`${etc}/multi-user.target.requires/required.service`]: `→${lib}/required.service`,
  [`${lib}/until-boot.service`]: wanted,
  [`${run}/multi-user.target.wants/until-boot.service`]: `→${lib}/until-boot.service`,
  [`${lib}/vendor.service`]: plain,
  [`${lib}/multi-user.target.wants/vendor.service`]: '→../vendor.service',
  [`${lib}/static.service`]: plain,
  [`${lib}/also.service`]: '[Install]\nAlso=off.service\n',
  [`${lib}/commented.service`]: '[Unit]\n#[Install]\n;WantedBy=a.target\n[Install]\n# WantedBy=multi-user.target\n',
  [`${lib}/taken-back.service`]: '[Install]\nWantedBy=multi-user.target\nWantedBy=\n',
  [`${lib}/continued.service`]: '[Install]\nWantedBy= \\\n# a comment between\nmulti-user.target\n',
  [`${lib}/masked.service`]: wanted,
  [`${etc}/masked.service`]: '→/dev/null',
  [`${lib}/masked-empty.service`]: wanted,
  [`${etc}/masked-empty.service`]: '',
  [`${lib}/masked-run.service`]: wanted,
  [`${run}/masked-run.service`]: '→/dev/null',
  [`${etc}/only-masked.service`]: '→/dev/null',
  [`${lib}/masked-but-wanted.service`]: wanted,
  [`${etc}/masked-but-wanted.service`]: '→/dev/null',
  [`${etc}/multi-user.target.wants/masked-but-wanted.service`]: `→${lib}/masked-but-wanted.service`,
  [`${lib}/real.service`]: '[Install]\nWantedBy=multi-user.target\nAlias=other.service\n',
  [`${etc}/other.service`]: `→${lib}/real.service`,
  [`${lib}/known-as.service`]: wanted,
  [`${etc}/unknown-name.service`]: `→${lib}/known-as.service`,
  [`${lib}/vendor-alias.service`]: '→static.service',
  [`${lib}/alias-of-masked.service`]: '→masked.service',
  '/opt/linked.service': wanted,
  [`${etc}/linked.service`]: '→/opt/linked.service',
  '/opt/linked-run.service': plain,
  [`${run}/linked-run.service`]: '→/opt/linked-run.service',
  '/opt/linked-on.service': wanted,
  [`${etc}/linked-on.service`]: '→/opt/linked-on.service',
  [`${etc}/multi-user.target.wants/linked-on.service`]: '→/opt/linked-on.service',
  '/opt/other-name.service': wanted,
  [`${etc}/linked-as.service`]: '→/opt/other-name.service',
  [`${lib}/shadowed.service`]: plain,
  [`${etc}/shadowed.service`]: wanted,
  [`${etc}/same-name.service`]: `→${lib}/same-name.service`,
  [`${lib}/same-name.service`]: wanted,
  [`${lib}/dropped.service`]: plain,
  [`${etc}/dropped.service.d/install.conf`]: '[Install]\nWantedBy=multi-user.target\n',
  [`${etc}/dangling.service`]: `→${lib}/gone.service`,
  [`${etc}/dangling-out.service`]: '→/opt/gone.service',
  [`${etc}/wrong-type.service`]: `→${lib}/multi-user.target`,
  [`${etc}/loop-a.service`]: '→loop-b.service',
  [`${etc}/loop-b.service`]: '→loop-a.service',
  [`${etc}/multi-user.target.wants/nothing.service`]: `→${lib}/nothing.service`,
  [`${lib}/file-want.service`]: wanted,
  [`${etc}/multi-user.target.wants/file-want.service`]: wanted,
  [`${lib}/getty@.service`]: '[Install]\nWantedBy=getty.target\nDefaultInstance=tty1\n',
  [`${etc}/getty.target.wants/getty@tty1.service`]: `→${lib}/getty@.service`,
  [`${lib}/named@.service`]: wanted,
  [`${etc}/multi-user.target.wants/named@one.service`]: `→${lib}/named@.service`,
  [`${etc}/multi-user.target.wants/named@two.service`]: `→${lib}/named@.service`,
  [`${lib}/plain@.service`]: plain,
  [`${lib}/disabled@.service`]: wanted,
  [`${lib}/vendor@.service`]: plain,
  [`${lib}/multi-user.target.wants/vendor@x.service`]: '→../vendor@.service',
  [`${lib}/alias@.service`]: '→plain@.service',
  [`${etc}/multi-user.target.wants/alias@y.service`]: `→${lib}/alias@.service`,
  [`${etc}/masked@.service`]: '→/dev/null',
  [`${lib}/masked@.service`]: wanted,
  [`${lib}/own@.service`]: plain,
  [`${etc}/own@z.service`]: wanted,
  [`${lib}/on.socket`]: '[Install]\nWantedBy=sockets.target\n',
  [`${etc}/sockets.target.wants/on.socket`]: `→${lib}/on.socket`,
  [`${lib}/tmp.mount`]: '[Mount]\nWhat=tmpfs\nWhere=/tmp\n[Install]\nAlias=never.mount\n',
  [`${lib}/daily.timer`]: '[Install]\nWantedBy=timers.target\n',
  [`${etc}/timers.target.wants/daily.timer`]: '→/usr/lib/systemd/system/daily.timer',
  '/usr/local/lib/systemd/system/local.service': wanted,
  '/run/systemd/generator/made.service': plain,
  '/run/systemd/generator.late/late.service': plain,
  '/run/systemd/transient/passing.service': plain,
  [`${etc}/default.target`]: `→${lib}/multi-user.target`,
};

function build(t: {teardown(fn: () => void): void}): string {
  const root = mkdtempSync(join(tmpdir(), 'reeve-units-'));
  t.teardown(() => rmSync(root, {recursive: true}));
  for (const [path, content] of Object.entries(tree)) {
    mkdirSync(dirname(join(root, path)), {recursive: true});
    if (content.startsWith('→')) symlinkSync(content.slice(1), join(root, path));
    else writeFileSync(join(root, path), content);
  }
  return root;
}

test('collectUnits() says of each unit of a tree what systemctl is-enabled says', async t => {
  const root = build(t);
  const answer = await look(localHost(root));
  if (answer.state !== 'seen') return t.fail(answer.reason);
  const version = spawnSync('systemctl', ['--version'], {encoding: 'utf8'});
  if (version.error) return t.fail('systemctl is not installed (Debian package systemd)');
  const ours = states(answer.value);
  t.true(Object.keys(ours).length > 50);
  const isEnabled = (...names: string[]) =>
    spawnSync('systemctl', [`--root=${root}`, 'is-enabled', ...names], {encoding: 'utf8'});
  const loadable = Object.keys(ours).filter(name => ours[name] !== 'bad');
  const said = isEnabled(...loadable)
    .stdout.trim()
    .split('\n');
  t.deepEqual(
    loadable.map(name => `${name} ${ours[name]}`),
    loadable.map((name, index) => `${name} ${said[index]}`),
  );
  const refused = Object.keys(ours).filter(name => ours[name] === 'bad');
  t.true(refused.length > 3);
  for (const name of refused) t.is(isEnabled(name).stdout, '', name);
  for (const name of ['nothing.service', 'gone.service']) t.is(ours[name], undefined);
  t.log(`${Object.keys(ours).length} units compared`);
});

test('collectUnits() says of each unit of this machine what systemctl is-enabled says', async t => {
  const answer = await look(localHost('/'));
  if (answer.state !== 'seen') return t.fail(answer.reason);
  const names = answer.value.units.filter(({sysv}) => !sysv);
  const {stdout} = spawnSync('systemctl', ['--root=/', 'is-enabled', ...names.map(({name}) => name)], {
    encoding: 'utf8',
  });
  t.deepEqual(
    names.map(({name, state}) => `${name} ${state}`),
    stdout
      .trim()
      .split('\n')
      .map((state, index) => `${names[index]?.name} ${state}`),
  );
});

test('collectUnits() knows UpheldBy, which systemd has since 254', async t => {
  const fact = await lookAt({files: {[`${lib}/up.service`]: '[Install]\nUpheldBy=multi-user.target\n'}});
  t.deepEqual(states(fact), {'up.service': 'disabled'});
});

test('collectUnits() names what an alias stands for, and the links that start a unit', async t => {
  const fact = await lookAt({as: 'image', files: fixtureFiles(tree)});
  const unit = (name: string) => fact.units.find(found => found.name === name);
  t.is(unit('other.service')?.aliasOf, 'real.service');
  t.is(unit('alias@y.service')?.aliasOf, 'plain@y.service');
  t.deepEqual(unit('on.service')?.links, [`${etc}/multi-user.target.wants/on.service`]);
  t.deepEqual(unit('vendor.service')?.links, [`${lib}/multi-user.target.wants/vendor.service`]);
  t.is(unit('named@.service')?.links.length, 2);
  t.is(unit('dangling.service')?.state, 'bad');
  t.is(unit('dangling.service')?.reason, `${etc}/dangling.service points to ${lib}/gone.service, which does not exist`);
});

test('collectUnits() looks at a machine that is written down as at one on disk', async t => {
  const root = build(t);
  const [disk, memory] = [await look(localHost(root)), await lookAt({as: 'image', files: fixtureFiles(tree)})];
  t.deepEqual(disk.state === 'seen' && disk.value, memory);
});

function fixtureFiles(files: {[path: string]: string}): NonNullable<Fixture['files']> {
  return Object.fromEntries(
    Object.entries(files).map(([path, content]) => [
      path,
      content.startsWith('→') ? {link: content.slice(1)} : content,
    ]),
  );
}

test('collectUnits() takes init scripts without a unit for generated ones, started by their links', async t => {
  const fact = await lookAt({
    files: {
      [`${lib}/ssh.service`]: wanted,
      '/etc/init.d/ssh': {mode: '0755', content: '#!/bin/sh\n'},
      '/etc/init.d/exim4': {mode: '0755', content: '#!/bin/sh\n'},
      '/etc/init.d/off.sh': {mode: '0755', content: '#!/bin/sh\n'},
      '/etc/init.d/README': {mode: '0644', content: ''},
      '/etc/rc2.d/S01exim4': {link: '../init.d/exim4'},
      '/etc/rc2.d/S01ssh': {link: '../init.d/ssh'},
      '/etc/rc0.d/K01exim4': {link: '../init.d/exim4'},
      '/etc/rc2.d/K01off.sh': {link: '../init.d/off.sh'},
    },
  });
  t.deepEqual(
    fact.units.map(({name, state, sysv, links}) => [name, state, sysv, links]),
    [
      ['ssh.service', 'disabled', false, []],
      ['exim4.service', 'generated', true, ['/etc/rc2.d/S01exim4']],
      ['off.service', 'generated', true, []],
    ],
  );
});

for (const [what, files, reason] of [
  [
    'a unit directory that cannot be listed',
    {[`${etc}/`]: {read_error: 'EIO'}},
    /cannot list \/etc\/systemd\/system: input\/output error/,
  ],
  [
    'a wants directory that cannot be listed',
    {[`${etc}/a.target.wants/`]: {read_error: 'EACCES'}},
    /cannot list .*a\.target\.wants: permission denied/,
  ],
  ['init scripts that cannot be listed', {'/etc/init.d/': {read_error: 'EACCES'}}, /cannot list \/etc\/init\.d/],
  [
    'more links than a host has',
    Object.fromEntries(Array.from({length: 20_001}, (_, n) => [`${etc}/x.target.wants/u${n}.service`, {link: '/x'}])),
    /more than 20000 entries/,
  ],
] as const) {
  test(`collectUnits() is unseen with ${what}`, async t => {
    const answer = await look(memoryHost({files: files as Fixture['files'] & object}));
    t.is(answer.state, 'unseen');
    t.regex((answer as {reason: string}).reason, reason);
  });
}

test('collectUnits() leaves a unit unseen whose file it had to read and could not', async t => {
  const fact = await lookAt({
    looker: 1000,
    files: {
      [`${etc}/secret.service`]: {mode: '0600', content: plain},
      [`${etc}/wanted.service`]: {mode: '0600', content: wanted},
      [`${etc}/a.target.wants/wanted.service`]: {link: '../wanted.service'},
    },
  });
  t.deepEqual(states(fact), {'secret.service': 'unseen', 'wanted.service': 'enabled'});
  t.regex(fact.units[0]?.reason ?? '', /cannot read .*secret\.service: permission denied/);
});

const booted = {'/run/systemd/system/': {}};
const shown = (over: object) => ({files: booted, commands: [{argv: [...showUnits], ...over}]});

test('collectUnits() reads what runs from systemctl where systemd is PID 1', async t => {
  const stdout =
    'Id=ssh.service\nNames=ssh.service sshd.service\nLoadState=loaded\nActiveState=active\nSubState=running\nMainPID=77\n\nId=cron.service\nNames=cron.service\nLoadState=loaded\nActiveState=inactive\nSubState=dead\nMainPID=0\n';
  const {live} = await lookAt(shown({stdout}));
  t.deepEqual(live, {
    units: [
      {names: ['ssh.service', 'sshd.service'], load: 'loaded', active: 'active', sub: 'running', mainPid: 77},
      {names: ['cron.service'], load: 'loaded', active: 'inactive', sub: 'dead', mainPid: null},
    ],
  });
});

for (const [what, over, reason] of [
  ['never answers', {timed_out: true}, /no answer within 10 s/],
  ['fails', {exit: 1, stdout: 'Id=a.service\nActiveState=active\n'}, /exit status 1/],
  ['gives nothing', {stdout: '\n\n'}, /gave none/],
] as const) {
  test(`collectUnits() has not seen what runs when systemctl ${what}`, async t => {
    const {live} = await lookAt(shown(over));
    t.regex('unseen' in live ? live.unseen : '', reason);
  });
}

test('collectUnits() has no running units where PID 1 is not systemd', async t => {
  const {live} = await lookAt({files: {[`${etc}/`]: {}}});
  t.deepEqual(live, {notApplicable: 'PID 1 is not systemd, so no unit runs here'});
});

test('collectUnits() has no running units in an image', async t => {
  const {live} = await lookAt({as: 'image', files: booted});
  t.true('notApplicable' in live);
});

test('parseUnits() survives blocks that are not as they should be', t => {
  t.deepEqual(parseUnits('=x\nId=\n\nActiveState=active\n\nnothing\n\n\n\nId=a.mount\nActiveState=active'), [
    {names: ['a.mount'], load: '', active: 'active', sub: '', mainPid: null},
  ]);
});

test('parseUnitFile() joins continued lines and leaves comments out', t => {
  t.deepEqual(parseUnitFile('[Mount]\nOptions = a,\\\n# no\nb\n ; no\nbroken\n[Install]\nX=\n'), [
    {section: 'Mount', key: 'Options', value: 'a, b', line: 2},
    {section: 'Install', key: 'X', value: '', line: 8},
  ]);
});

test('collectUnits() sees a tree that only others may read as unseen, not as empty', async t => {
  const root = build(t);
  chmodSync(join(root, etc), 0o000);
  t.teardown(() => chmodSync(join(root, etc), 0o755));
  const answer = await look(localHost(root));
  t.is(answer.state, process.geteuid?.() === 0 ? 'seen' : 'unseen');
});
