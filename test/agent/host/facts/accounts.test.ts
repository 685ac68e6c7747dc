import {execFileSync, spawnSync} from 'node:child_process';
import {existsSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {schemeOf} from '../../../../agent/host/facts/accounts/shadow.ts';
import {collectFacts} from '../../../../agent/host/facts/collect.ts';
import type {Host} from '../../../../agent/host/host.ts';
import {localHost} from '../../../../agent/host/local/host.ts';
import type {Fixture} from '../../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../../agent/host/memory/host.ts';
import type {AccountsFact} from '../../../../policies/facts/accounts.ts';
import type {Answer} from '../../../../policies/facts/answer.ts';
import {cpuMs} from '../../../helpers/cpu.ts';

const look = async (host: Host): Promise<Answer<AccountsFact>> =>
  (await collectFacts(host, [{fact: 'accounts'}])).facts.get({fact: 'accounts'});

async function lookAt(files: Fixture['files'], over: Fixture = {}): Promise<AccountsFact> {
  const answer = await look(
    memoryHost({...over, files: {'/etc/group': 'root:x:0:\nusers:x:100:alice, bob\n', ...files}}),
  );
  if (answer.state !== 'seen') throw new Error(`${answer.state}: ${answer.reason}`);
  return answer.value;
}

const passwd = 'root:x:0:0:root:/root:/bin/bash\nalice:x:1000:100:Alice:/home/alice:\n';
const hash = 'Zx9SecretHashText';
const shadow = (field: string) => ({
  '/etc/passwd': passwd,
  '/etc/shadow': {
    mode: '0640',
    gid: 42,
    content: `root:*:19000:0:99999:7:::\nalice:${field}:19001:1:90:14:30:20000:\n`,
  },
});

for (const [field, state, scheme] of [
  ['', 'empty'],
  ['*', 'none'],
  ['x', 'none'],
  ['NP', 'none'],
  ['!', 'locked'],
  ['!!', 'locked'],
  [`!$6$salt$${hash}`, 'locked'],
  [`$y$j9T$salt$${hash}`, 'set', 'yescrypt'],
  [`$gy$j9T$salt$${hash}`, 'set', 'gost-yescrypt'],
  [`$7$salt$${hash}`, 'set', 'scrypt'],
  [`$2b$05$${hash}`, 'set', 'bcrypt'],
  [`$6$rounds=5000$salt$${hash}`, 'set', 'sha512'],
  [`$5$salt$${hash}`, 'set', 'sha256'],
  [`$1$salt$${hash}`, 'set', 'md5'],
  [`$md5,rounds=5$${hash}`, 'set', 'sunmd5'],
  ['_J9..rasmBYk8r9AiWNc', 'set', 'bsdicrypt'],
  ['rl.3StKT.4T8M', 'set', 'des'],
  [`$zz$${hash}`, 'set', 'unknown'],
] as const) {
  test(`collectAccounts() reads the shadow field "${field}" as ${state} ${scheme ?? ''}`, async t => {
    const fact = await lookAt(shadow(field));
    const alice = fact.users.find(({name}) => name === 'alice');
    t.deepEqual(alice?.password, scheme === undefined ? {state} : {state, scheme});
    t.deepEqual(alice?.ageing, {lastChange: 19001, min: 1, max: 90, warn: 14, inactive: 30, expire: 20000});
    t.is(alice?.shadowWhere, '/etc/shadow:2');
    t.false(JSON.stringify(fact).includes(hash), 'a hash never leaves the collector');
  });
}

for (const [setting, scheme] of [
  ['$y$j9T$abcdefgh$', 'yescrypt'],
  ['$gy$j9T$abcdefgh$', 'gost-yescrypt'],
  ['$7$CU..../....abcdefgh', 'scrypt'],
  ['$2b$04$abcdefghijklmnopqrstuu', 'bcrypt'],
  ['$6$abcdefgh$', 'sha512'],
  ['$5$abcdefgh$', 'sha256'],
  ['$md5$abcdefgh$', 'sunmd5'],
  ['$sha1$24680$abcdefgh$', 'sha1'],
  ['$1$abcdefgh$', 'md5'],
  ['_J9..abcd', 'bsdicrypt'],
  ['ab', 'des'],
] as const) {
  test(`schemeOf() knows what crypt(3) makes with the setting ${setting}`, t => {
    const {stdout} = spawnSync('/usr/bin/perl', ['-e', 'print crypt("word", $ARGV[0]) // ""', setting], {
      encoding: 'utf8',
    });
    t.true(stdout.startsWith(setting), `crypt(3) gave "${stdout}"`);
    t.is(schemeOf(stdout), scheme);
  });
}

test('collectAccounts() gives a hash in passwd as unshadowed and keeps it to itself', async t => {
  const fact = await lookAt({'/etc/passwd': `root:$6$salt$${hash}:0:0::/root:/bin/sh\nbob::1:0::/:\nsys:*:2:0::/:\n`});
  t.deepEqual(
    fact.users.map(({password}) => password),
    [{state: 'unshadowed'}, {state: 'empty'}, {state: 'none'}],
  );
  t.false(JSON.stringify(fact).includes(hash));
});

test('collectAccounts() says that it has not seen passwords when shadow is unreadable', async t => {
  const fact = await lookAt(shadow('*'), {looker: 1000});
  const [root] = fact.users;
  t.deepEqual(root?.password, {
    state: 'unseen',
    reason: 'cannot read /etc/shadow: permission denied, run as root (EACCES)',
  });
  t.is(root?.ageing, null);
  t.deepEqual(fact.unreadable, ['cannot read /etc/shadow: permission denied, run as root (EACCES)']);
});

for (const path of ['/etc/passwd', '/etc/group', '/etc/shells', '/etc/login.defs']) {
  test(`collectAccounts() is unseen when ${path} cannot be read`, async t => {
    const answer = await look(
      memoryHost({files: {'/etc/passwd': passwd, '/etc/group': '', [path]: {read_error: 'EIO'}}}),
    );
    t.is(answer.state, 'unseen');
    t.regex((answer as {reason: string}).reason, new RegExp(`cannot read ${path}.*EIO`));
  });
}

test('collectAccounts() never takes a missing passwd for an empty one', async t => {
  t.is((await look(memoryHost({files: {}}))).state, 'unseen');
});

for (const [line, problem] of [
  ['short:x:5', '3 fields, 7 are wanted'],
  ['four:x:0:0', '4 fields, 7 are wanted'],
  ['more:x:5:0:::/bin/sh:', '8 fields, 7 are wanted'],
  ['word:x:abc:0:::', '"abc" is not an id, so the line counts for nothing'],
  ['blank:x: 0:0:::', '" 0" is not a plain id, yet it is read as 0'],
  ['plus:x:+0:0:::', '"+0" is not a plain id, yet it is read as 0'],
  ['none:x:4294967295:0:::', '"4294967295" is not a plain id, yet it is read as 4294967295'],
  [' indented:x:5:0:::', 'the line begins with white space'],
  [':x:5:0:::', 'the name is empty'],
  ['+::::::', 'an entry that begins with "+" takes in or leaves out accounts of another database (NIS)'],
  ['-bad::::::', 'an entry that begins with "-" takes in or leaves out accounts of another database (NIS)'],
  ['lost:*:5:77:::', '"lost" has the primary gid 77, which no group has'],
  ['gone:x:5:0:::', '"gone" has no entry in /etc/shadow'],
] as const) {
  test(`collectAccounts() names what is wrong with the passwd line "${line}"`, async t => {
    const fact = await lookAt({...shadow('*'), '/etc/passwd': `${passwd}${line}\n`});
    t.true(
      fact.broken.some(broken => broken.where === '/etc/passwd:3' && broken.problem === problem),
      JSON.stringify(fact.broken),
    );
  });
}

test('collectAccounts() counts a root that hides behind a broken line, as the C library does', async t => {
  const fact = await lookAt({'/etc/passwd': 'root:*:0:0:::\nfour::0:0\nblank:x: 0:0:::\n'});
  t.deepEqual(
    fact.users.map(({name, uid}) => [name, uid]),
    [
      ['root', 0],
      ['four', 0],
      ['blank', 0],
    ],
  );
});

test('collectAccounts() reads groups, their members and passwords', async t => {
  const fact = await lookAt({
    '/etc/passwd': passwd,
    '/etc/group': 'root:x:0:\nwheel:x:10:alice, bob\nold:hash1234567ab:11:\nopen::12:\nbad:x\n',
    '/etc/gshadow': 'root:*::\nwheel:$6$a$b::\n',
  });
  t.deepEqual(
    fact.groups.map(({name, members, password}) => [name, members, password]),
    [
      ['root', [], 'locked'],
      ['wheel', ['alice', 'bob'], 'set'],
      ['old', [], 'set'],
      ['open', [], 'empty'],
    ],
  );
  t.true(fact.broken.some(({where}) => where === '/etc/group:5'));
});

test('collectAccounts() takes UID_MIN and shells from their files, or the known defaults', async t => {
  const plain = await lookAt({'/etc/passwd': passwd});
  t.deepEqual([plain.uidMin, plain.uidMax, plain.shells], [1000, 60_000, ['/bin/sh', '/bin/csh']]);
  const set = await lookAt({
    '/etc/passwd': passwd,
    '/etc/login.defs': '#UID_MIN 1\nUID_MIN\t\t 500\n UID_MAX 0xffff\nUID_MIN 0764\n',
    '/etc/shells': '# /bin/no\n/bin/bash # yes\n\n/bin/zsh\n',
  });
  t.deepEqual([set.uidMin, set.uidMax, set.shells], [500, 65_535, ['/bin/bash', '/bin/zsh']]);
});

test('collectAccounts() keeps two names that are not UTF-8 apart', async t => {
  const bytes = Buffer.concat([
    Buffer.from('a'),
    Buffer.from([0xff]),
    Buffer.from(':*:5:0:::\na'),
    Buffer.from([0xfe]),
    Buffer.from(':*:6:0:::\n'),
  ]);
  const fact = await lookAt({'/etc/passwd': {base64: bytes.toString('base64')}});
  t.is(new Set(fact.users.map(({name}) => name)).size, 2);
});

test('collectAccounts() reads 100,000 users in linear time', async t => {
  const make = (count: number) => {
    const numbers = Array.from({length: count}, (_, index) => index);
    return memoryHost({
      files: {
        '/etc/passwd': numbers.map(n => `u${n}:x:${n}:${n}::/home/u${n}:/bin/sh\n`).join(''),
        '/etc/shadow': numbers.map(n => `u${n}:*:1:0:9:7:::\n`).join(''),
        '/etc/group': numbers.map(n => `u${n}:x:${n}:\n`).join(''),
      },
    });
  };
  const started = process.cpuUsage();
  const answer = await look(make(100_000));
  const took = cpuMs(started);
  t.is(answer.state === 'seen' && answer.value.users.length, 100_000);
  t.deepEqual(answer.state === 'seen' && answer.value.broken, []);
  t.true(took < 10_000, `${took} ms`);
});

test('collectAccounts() reads the same local users and groups as getent on this machine', async t => {
  const answer = await look(localHost('/'));
  if (answer.state !== 'seen') return t.fail(answer.reason);
  const getent = (database: string) =>
    execFileSync('getent', ['-s', 'files', database], {encoding: 'utf8'}).trim().split('\n');
  const users = answer.value.users.map(
    ({name, uid, gid, comment, home, shell}) => `${name}:x:${uid}:${gid}:${comment}:${home}:${shell}`,
  );
  t.deepEqual(
    users,
    getent('passwd').map(line => line.replace(/^([^:]*):[^:]*:/, '$1:x:')),
  );
  t.deepEqual(
    answer.value.groups.map(({name, gid, members}) => `${name}:${gid}:${members.join(',')}`),
    getent('group').map(line => line.replace(/^([^:]*):[^:]*:/, '$1:')),
  );
});

const good = {
  passwd: 'root:x:0:0:root:/tmp:/bin/sh\nalice:x:1000:0:A:/tmp:/bin/sh\n',
  shadow: 'root:*:19000:0:99999:7:::\nalice:!:19000:0:99999:7:::\n',
};
for (const [what, over] of [
  ['nothing', {}],
  ['a short line', {passwd: `${good.passwd}bob:x:1\n`}],
  ['a field too many', {passwd: `${good.passwd}bob:*:1:0::/tmp:/bin/sh:\n`}],
  ['a uid that is a word', {passwd: `${good.passwd}bob:*:one:0::/tmp:/bin/sh\n`}],
  ['a gid without group', {passwd: `${good.passwd}bob:*:1:987654::/tmp:/bin/sh\n`}],
  ['no shadow entry', {passwd: `${good.passwd}bob:x:1:0::/tmp:/bin/sh\n`}],
  ['a shadow entry without user', {shadow: `${good.shadow}bob:*:19000:0:99999:7:::\n`}],
  ['a short shadow line', {passwd: `${good.passwd}bob:x:1:0::/tmp:/bin/sh\n`, shadow: `${good.shadow}bob:*:1\n`}],
  ['a shadow entry given twice', {shadow: `${good.shadow}alice:*:19000:0:99999:7:::\n`}],
] as const) {
  test(`collectAccounts() agrees with pwck on files with ${what} wrong`, async t => {
    const pwck = ['/usr/sbin/pwck', '/sbin/pwck'].find(path => existsSync(path));
    if (pwck === undefined) return t.fail('pwck is not installed (Debian package passwd)');
    const directory = mkdtempSync(join(tmpdir(), 'reeve-pwck-'));
    t.teardown(() => rmSync(directory, {recursive: true}));
    const files = {...good, ...over};
    for (const name of ['passwd', 'shadow'] as const) writeFileSync(join(directory, name), files[name]);
    const oracle = spawnSync(pwck, ['-r', join(directory, 'passwd'), join(directory, 'shadow')], {encoding: 'utf8'});
    const fact = await lookAt({'/etc/passwd': files.passwd, '/etc/shadow': files.shadow});
    t.is(fact.broken.length > 0, oracle.status !== 0, `${oracle.stdout}${oracle.stderr}`);
  });
}
