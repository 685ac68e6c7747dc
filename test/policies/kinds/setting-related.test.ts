import test from 'ava';
import {collectFacts} from '../../../agent/host/facts/collect.ts';
import type {Fixture} from '../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../agent/host/memory/host.ts';
import type {Judgement} from '../../../policies/finding.ts';
import {settingKind} from '../../../policies/kinds/setting.ts';
import {mismatches} from '../../../policies/load/schema.ts';

async function judge(check: object, files: Fixture['files'], over: Fixture = {}): Promise<Judgement> {
  const fixture: Fixture = {...over, ...(files === undefined ? {} : {files})};
  const {facts} = await collectFacts(memoryHost(fixture), settingKind.wants(check as never, {rule: 'x'}));
  const [judgement] = settingKind.judge(check as never, facts, {now: 0, rule: 'x'});
  return judgement as Judgement;
}

const units = (server: string, launcher: string): Fixture['files'] => ({
  '/usr/lib/systemd/system/server.service': `[Service]\n${server}`,
  '/usr/lib/systemd/system/launcher.service': `[Service]\n${launcher}`,
});
const maximum = ['Service.Environment.OLD_MAX', 'Service.Environment.NEW_MAX'];
const wanted = {format: 'systemd-unit', unit: 'server.service', key: maximum, default: '0', at_least: 2};

test('setting with several names judges what any of them sets', async t => {
  t.like(await judge(wanted, units('Environment=NEW_MAX=2\n', '')), {
    verdict: 'pass',
    where: ['/usr/lib/systemd/system/server.service:2'],
  });
});

test('setting with several names fails when one of them is wrong, and reports each that is set', async t => {
  const judgement = await judge(wanted, units('Environment=NEW_MAX=2 OLD_MAX=0\n', ''));
  t.is(judgement.verdict, 'fail');
  if (judgement.verdict !== 'fail') return;
  t.deepEqual(
    judgement.compared.map(({what, actual, ok}) => [what, actual, ok]),
    [
      ['Service.Environment.OLD_MAX', '0', false],
      ['Service.Environment.NEW_MAX', '2', true],
    ],
  );
});

test('setting with several names judges the default when none of them is set', async t => {
  const judgement = await judge(wanted, units('', ''));
  t.like(judgement, {
    verdict: 'fail',
    subject: 'server.service Service.Environment.OLD_MAX or Service.Environment.NEW_MAX',
  });
  if (judgement.verdict !== 'fail') return;
  t.is(judgement.compared[0]?.actual, '0 (default)');
});

const agree = {
  format: 'systemd-unit',
  unit: 'server.service',
  key: maximum,
  default: '0',
  same_as: {unit: 'launcher.service'},
};
const rows: Array<[string, string, string, Judgement['verdict']]> = [
  ['the two are equal', 'Environment=OLD_MAX=2\n', 'Environment=OLD_MAX=2\n', 'pass'],
  ['they are equal by different names', 'Environment=OLD_MAX=2\n', 'Environment=NEW_MAX=2\n', 'pass'],
  ['one sets the default of the other', 'Environment=OLD_MAX=0\n', '', 'pass'],
  ['they differ', 'Environment=OLD_MAX=2\n', 'Environment=OLD_MAX=1\n', 'fail'],
  ['only one sets it', 'Environment=OLD_MAX=2\n', '', 'fail'],
];
for (const [title, server, launcher, verdict] of rows) {
  test(`setting same_as gives ${verdict} when ${title}`, async t => {
    t.is((await judge(agree, units(server, launcher))).verdict, verdict);
  });
}

test('setting same_as names both places, both values and what to do', async t => {
  t.deepEqual(await judge(agree, units('Environment=OLD_MAX=2\n', 'Environment=OLD_MAX=1\n')), {
    subject: 'server.service Service.Environment.OLD_MAX or Service.Environment.NEW_MAX',
    verdict: 'fail',
    compared: [
      {
        what: 'beside launcher.service Service.Environment.OLD_MAX or Service.Environment.NEW_MAX',
        expected: 'the same as 1',
        actual: '2',
        ok: false,
      },
    ],
    where: ['/usr/lib/systemd/system/server.service:2', '/usr/lib/systemd/system/launcher.service:2'],
    scope: 'persistent',
    cure: 'set Service.Environment.OLD_MAX of server.service and Service.Environment.OLD_MAX of launcher.service to the same value',
  });
});

test('setting same_as has nothing to judge where the other is not there, and is unknown where it cannot be read', async t => {
  const one = {'/usr/lib/systemd/system/server.service': '[Service]\nEnvironment=OLD_MAX=2\n'};
  t.is((await judge(agree, one)).verdict, 'none');
  const refused = {...one, '/usr/lib/systemd/system/launcher.service': {content: '[Service]\n', read_error: 'EACCES'}};
  t.is((await judge(agree, refused)).verdict, 'unknown');
});

const order = (min: string, max: string) =>
  judge(
    {format: 'env', file: '/etc/app', key: 'MIN', default: '0', not_above: {key: 'MAX', default: '0'}},
    {'/etc/app': `${min}${max}X=1\n`},
  );
test('setting not_above compares numbers, with defaults', async t => {
  t.is((await order('MIN=2\n', 'MAX=10\n')).verdict, 'pass');
  t.is((await order('MIN=2\n', 'MAX=2\n')).verdict, 'pass');
  t.is((await order('', '')).verdict, 'pass');
  t.is((await order('', 'MAX=2\n')).verdict, 'pass');
  t.is((await order('MIN=2\n', '')).verdict, 'fail');
  t.is((await order('MIN=10\n', 'MAX=9\n')).verdict, 'fail');
  t.is((await order('MIN=some\n', 'MAX=9\n')).verdict, 'fail');
});

test('setting notices when same_as and not_above are turned', async t => {
  const files = units('Environment=OLD_MAX=2 MIN=1\n', 'Environment=OLD_MAX=2\n');
  const both = {
    ...agree,
    at_least: 1,
    not_above: {key: 'Service.Environment.NEW_MAX', default: '3'},
    key: 'Service.Environment.OLD_MAX',
  };
  t.is((await judge(both, files)).verdict, 'pass');
  const flips = settingKind.flips(both as never);
  t.deepEqual(
    flips.map(({what}) => what),
    ['at_least', 'same_as', 'not_above'],
  );
  for (const {what, check} of flips) t.is((await judge(check, files)).verdict, 'fail', what);
});

test('setting repeated: last judges the value that a program keeps', async t => {
  const check = {format: 'gcfg', file: '/etc/c.gcfg', key: 'HTTPS.MinimumTLS', at_least: '1.2', as: 'version'};
  const files = {'/etc/c.gcfg': '[HTTPS]\nMinimumTLS = 1.0\nMinimumTLS = 1.2\n'};
  t.is((await judge(check, files)).verdict, 'fail');
  t.like(await judge({...check, repeated: 'last'}, files), {verdict: 'pass', where: ['/etc/c.gcfg:3']});
});

test('setting secret: true never shows the value', async t => {
  const check = {format: 'key-value', file: '/etc/db', key: 'password', length_at_least: 80, secret: true};
  for (const text of ['password=hunter2hunter2\n', `password=${'s3cr3t'.repeat(20)}\n`]) {
    const told = JSON.stringify(await judge(check, {'/etc/db': text}));
    t.notRegex(told, /hunter2|s3cr3t/);
    t.regex(told, /characters, not shown/);
  }
});

test('setting cures values of a shape', async t => {
  const check = {format: 'gcfg', file: '/etc/c.gcfg', key: 'Server.Address', like: ['https://*']};
  t.like(await judge(check, {'/etc/c.gcfg': '[Server]\nAddress = http://a\n'}), {
    verdict: 'fail',
    cure: 'set Server.Address to something like https://* at /etc/c.gcfg:2',
  });
  const other = {...check, like: undefined, not_like: ['*:*@*']};
  t.like(await judge(other, {'/etc/c.gcfg': '[Server]\nAddress = a:b@c\n'}), {
    verdict: 'fail',
    cure: 'change Server.Address, which must not be like *:*@*, at /etc/c.gcfg:2',
  });
});

test('setting cures a value outside two bounds with the upper one', async t => {
  const check = {format: 'login.defs', key: 'PASS_MAX_DAYS', at_least: 1, at_most: 365};
  t.like(await judge(check, {'/etc/login.defs': 'PASS_MAX_DAYS 99999\n'}), {
    verdict: 'fail',
    cure: 'set "PASS_MAX_DAYS 365" in /etc/login.defs',
  });
});

test('setting refuses to be compared with itself, and a broken other place', t => {
  const problems = (check: object) =>
    settingKind.problems?.({format: 'gcfg', file: '/c', key: 'A.B', ...check} as never);
  t.deepEqual(problems({same_as: {}}), [
    {at: ['same_as'], message: 'this is the setting itself: name another unit, file, section or key'},
  ]);
  t.deepEqual(problems({not_above: {key: 'C'}}), [
    {at: ['not_above', 'key'], message: '"C" found, Section.Key wanted'},
  ]);
  t.deepEqual(problems({same_as: {key: 'C.D'}}), []);
  t.is(mismatches(settingKind.schema, {format: 'gcfg', file: '/c', key: 'A.B', same_as: {keys: 'C.D'}}).length, 1);
  t.is(mismatches(settingKind.schema, {format: 'gcfg', file: '/c', key: ['A.B'], is: 'x'}).length, 1);
});
