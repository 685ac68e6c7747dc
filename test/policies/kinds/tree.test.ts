import test from 'ava';
import {checkHost} from '../../../agent/check.ts';
import type {Fixture} from '../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../agent/host/memory/host.ts';
import type {Finding} from '../../../policies/finding.ts';
import {treeKind} from '../../../policies/kinds/tree.ts';
import {ruleOf} from '../../helpers/rule.ts';

const base: NonNullable<Fixture['files']> = {
  '/etc/passwd': 'root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n',
  '/etc/group': 'root:x:0:\nann:x:1000:\nmail:x:8:\n',
  '/home/ann/': {mode: '0700', uid: 1000, gid: 1000},
  '/usr/bin/ls': {mode: '0755', content: 'x'},
};
const key = 'AKIAQ2W3E4R5T6Y7QAZX';
const netRaw = Buffer.from('0100000200200000000000000000000000000000', 'hex').toString('base64');

const check = (tree: object, files: NonNullable<Fixture['files']> = {}, rest: Fixture = {}): Promise<Finding[]> =>
  checkHost(memoryHost({...rest, files: {...base, ...files}}), [ruleOf('tree', tree, 'not-applicable')]);
const subjects = (findings: Finding[]) => findings.map(({verdict, subject}) => `${verdict} ${subject}`).join(', ');

type Row = [title: string, tree: object, files: NonNullable<Fixture['files']>];

const found: Row[] = [
  ['a type', {find: {type: 'fifo'}}, {'/bad': {type: 'fifo'}}],
  ['one of several types', {find: {type: ['socket', 'fifo']}}, {'/bad': {type: 'fifo'}}],
  ['one bit of several', {find: {mode_any: '6000'}}, {'/bad': {mode: '2755', content: ''}}],
  ['all bits', {find: {mode_all: '0022'}}, {'/bad': {mode: '0666', content: ''}}],
  ['no sticky bit', {find: {type: 'directory', mode_all: '0002', mode_none: '1000'}}, {'/bad/': {mode: '0777'}}],
  ['an owner', {under: '/srv', find: {owner: 'ann'}}, {'/srv/bad': {uid: 1000, content: ''}}],
  ['an owner by number', {under: '/srv', find: {owner: '1000'}}, {'/srv/bad': {uid: 1000, content: ''}}],
  ['another owner', {under: '/srv', find: {owner_not: ['root', 'mail']}}, {'/srv/bad': {uid: 1000, content: ''}}],
  ['an owner without a name', {find: {owner_unknown: true}}, {'/bad': {uid: 4242, content: ''}}],
  ['a group', {under: '/srv', find: {group: 'ann'}}, {'/srv/bad': {gid: 1000, content: ''}}],
  ['another group', {under: '/srv', find: {group_not: 'root'}}, {'/srv/bad': {gid: 8, content: ''}}],
  ['a group without a name', {find: {group_unknown: true}}, {'/bad': {gid: 4242, content: ''}}],
  ['a name', {find: {name: '.rhosts'}}, {'/home/ann/.rhosts': '+ +\n'}],
  ['a pattern of names', {find: {name: ['x', '*.pem']}}, {'/home/ann/.key.pem': ''}],
  [
    'capabilities',
    {find: {capability: true}},
    {'/bad': {mode: '0755', content: '', xattrs: {'security.capability': netRaw}}},
  ],
  ['a secret', {find: {secret_shapes: true}}, {'/srv/.env': `A=1\nkey=${key}\n`}],
  ['what lies in a link’s own directory, not behind it', {find: {type: 'link'}}, {'/bad': {link: '/etc'}}],
];

for (const [title, tree, files] of found) {
  const [path] = Object.keys(files) as [string];
  test(`tree finds ${title}, and nothing on a machine without it`, async t => {
    const findings = await check(tree, files);
    t.is(subjects(findings), `fail ${path.replace(/\/$/, '')}`);
    const [finding] = findings;
    t.true(finding?.verdict === 'fail' && finding.wrong.length > 0 && finding.cure !== undefined);
    t.regex(subjects(await check(tree, path.startsWith('/srv/') ? {'/srv/good': ''} : {})), /^pass /);
  });
  test(`every flip of the rule that finds ${title} turns a verdict`, async t => {
    const flips = treeKind.flips(tree as never) as Array<{what: string; check: object}>;
    t.is(flips.length, Object.keys((tree as {find: object}).find).length);
    for (const {what, check: flipped} of flips) {
      const failing = await check(flipped, files);
      t.false(subjects(failing).includes(`fail ${path.replace(/\/$/, '')}`), `${what} still finds it`);
    }
  });
}

const notFound: Row[] = [
  ['mode bits of links', {find: {mode_all: '0002'}}, {'/link': {link: '/etc'}}],
  ['entries that are excepted', {except: '/srv/*/cache', find: {type: 'fifo'}}, {'/srv/a/cache': {type: 'fifo'}}],
  ['what is below a directory that is excepted', {except: '/srv', find: {type: 'fifo'}}, {'/srv/a/b': {type: 'fifo'}}],
  ['entries that are allowed', {find: {type: 'fifo'}, allow: ['/srv/?']}, {'/srv/a': {type: 'fifo'}}],
  ['entries beside the directories', {under: '/etc', find: {type: 'fifo'}}, {'/srv/a': {type: 'fifo'}}],
  ['the directory itself', {under: '/srv', find: {mode_all: '0002'}}, {'/srv/': {mode: '0777'}}],
  [
    'capabilities of files that nobody executes',
    {find: {capability: true}},
    {'/a': {xattrs: {'security.capability': netRaw}}},
  ],
  ['the example key of the documentation', {find: {secret_shapes: true}}, {'/a': 'AKIAIOSFODNN7EXAMPLE\n'}],
];
for (const [title, tree, files] of notFound) {
  test(`tree does not find ${title}`, async t => {
    t.regex(subjects(await check(tree, files)), /^pass /);
  });
}

test('tree says how much it saw, and what it left out', async t => {
  const [finding] = await check(
    {find: {type: 'socket'}, allow: '/run/*'},
    {
      '/run/a': {type: 'socket'},
      '/proc/self/mountinfo': '30 1 0:31 / /mnt rw - nfs4 server:/ rw\n31 1 0:4 / /proc rw - proc proc rw\n',
      '/mnt/a': {type: 'socket'},
    },
  );
  t.true(finding?.verdict === 'pass');
  t.like(finding, {actual: {entries: 'none of 10 or more seen; 1 allowed; not entered: /mnt (nfs4)'}});
});

test('tree finds the same when files that do not matter come and go', async t => {
  const found = async (count: number) => {
    const files = Object.fromEntries(Array.from({length: count}, (_, index) => [`/srv/file-${index}`, 'text']));
    return (await check({under: '/srv', find: {type: 'socket'}}, files))[0];
  };
  const [fewer, more] = [await found(400), await found(950)];
  t.is(fewer?.verdict, 'pass');
  t.deepEqual({...fewer, observedAt: '', costMs: 0}, {...more, observedAt: '', costMs: 0} as never);
});

test('tree names each column that is wrong, and a cure that takes away just those bits', async t => {
  const [finding] = await check(
    {find: {type: 'file', mode_any: '6000', owner: 'root'}},
    {'/usr/bin/x y': {mode: '6755', content: ''}},
  );
  t.like(finding, {
    verdict: 'fail',
    wrong: ['mode', 'owner'],
    expected: {mode: 'not any of 6000', owner: 'not root'},
    actual: {mode: '6755', owner: 'root'},
    cure: "chmod u-s,g-s '/usr/bin/x y'",
  });
});

test('tree shows the shape and line of a secret, never the secret', async t => {
  const findings = await check({find: {secret_shapes: true}}, {'/srv/.env': `A=1\nkey=${key}\n`});
  t.like(findings[0], {actual: {secrets: 'AWS access key in line 2'}, where: ['/srv/.env:2']});
  t.false(JSON.stringify(findings).includes(key));
});

test('tree is unknown with the reason where something could not be seen, and fails where something was found', async t => {
  const files = {'/srv/': {mode: '0755', read_error: 'EIO'}, '/opt/x': {error: 'EACCES'}};
  const [unknown] = await check({find: {type: 'fifo'}}, files);
  t.is(unknown?.verdict, 'unknown');
  t.regex(
    unknown?.verdict === 'unknown' ? unknown.reason : '',
    /list \/srv: input\/output error.*look at \/opt\/x: permission denied/,
  );
  t.is(subjects(await check({find: {type: 'fifo'}}, {...files, '/usr/a': {type: 'fifo'}})), 'fail /usr/a');
});

test('tree is unknown to an ordinary user where a directory is closed', async t => {
  const [finding] = await check({find: {type: 'fifo'}}, {'/root/': {mode: '0700'}}, {looker: 1000});
  t.is(finding?.verdict, 'unknown');
  t.regex(finding?.verdict === 'unknown' ? finding.reason : '', /list \/root: permission denied/);
});

test('tree does not call owners unknown when there is no table of names', async t => {
  const [finding] = await check({find: {owner_unknown: true}}, {'/etc/passwd': {error: 'EACCES'}});
  t.is(finding?.verdict, 'unknown');
});

test('tree is unknown where it is to read a file that it may not', async t => {
  const [finding] = await check({find: {secret_shapes: true}}, {'/srv/a': {content: 'x', read_error: 'EACCES'}});
  t.is(finding?.verdict, 'unknown');
});

test('tree with no directory to walk has the verdict of none', async t => {
  t.is(subjects(await check({under: ['/nope', '/nope2'], find: {type: 'fifo'}})), 'not-applicable /nope, /nope2');
  t.regex(subjects(await check({under: ['/nope', '/srv'], find: {type: 'fifo'}}, {'/srv/': {}})), /^pass/);
});

test('tree counts what is over the number that it lists', async t => {
  const files = Object.fromEntries(
    Array.from({length: 1200}, (_, index) => [`/srv/${index}`, {type: 'fifo' as const}]),
  );
  const facts = await check({under: '/srv', find: {type: 'fifo'}}, files);
  t.true(facts.every(({verdict}) => verdict === 'fail'));
  t.is(facts.length, 200);
  const judgements = treeKind.judge(
    {under: '/srv', find: {type: 'fifo'}} as never,
    {
      get: () => ({
        state: 'seen',
        where: [],
        value: {found: [], more: 200, seen: 1, allowed: 0, notSeen: [], notSeenMore: 0, leftOut: []},
      }),
    } as never,
    {now: 0, rule: 'x'},
  );
  t.is(judgements[0]?.subject, '200 more below /srv');
});

const refused: Array<[string, object, RegExp]> = [
  ['an empty find', {find: {}}, /nothing is looked for/],
  ['an unknown key', {find: {colour: 'red'}}, /colour/],
  ['a mode of links', {find: {type: 'link', mode_all: '0002'}}, /link means nothing/],
  ['patterns in under', {under: '/home/*', find: {type: 'fifo'}}, /directories, not patterns/],
  ['an unquoted mode', {find: {mode_any: 6000}}, /octal digits in quotes/],
];
for (const [title, tree, message] of refused) {
  test(`tree refuses ${title}`, t => {
    t.throws(() => ruleOf('tree', tree), {message});
  });
}
