import {execFileSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {checkHost} from '../../../agent/check.ts';
import type {Fixture} from '../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../agent/host/memory/host.ts';
import type {Finding} from '../../../policies/finding.ts';
import {ruleOf} from '../../helpers/rule.ts';

const names = {
  '/etc/passwd': 'root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n',
  '/etc/group': 'root:x:0:\nshadow:x:42:\n',
};

async function judge(file: object, files: Fixture['files'], fixture: Fixture = {}): Promise<Finding[]> {
  return checkHost(memoryHost({...fixture, files: {...names, ...files}}), [ruleOf('file', file)]);
}

const shadow = {
  path: '/etc/shadow',
  owner: 'root',
  group: ['root', 'shadow'],
  mode_at_most: '0640',
  mode_at_least: '0400',
};
const certificate = {path: '/c.pem', certificate_valid_days: 30};

const rows: Array<[string, object, Fixture['files'], string, object]> = [
  [
    'a file inside its bounds',
    shadow,
    {'/etc/shadow': {mode: '0600', gid: 42}},
    'pass',
    {actual: {mode: '0600', owner: 'root', group: 'shadow'}},
  ],
  [
    'a file with a bit too many',
    shadow,
    {'/etc/shadow': {mode: '0644', gid: 42}},
    'fail',
    {wrong: ['mode'], expected: {mode: 'at most 0640 and at least 0400'}, cure: 'chmod o-r /etc/shadow'},
  ],
  [
    'a file with a bit too few',
    shadow,
    {'/etc/shadow': {mode: '0040', gid: 42}},
    'fail',
    {wrong: ['mode'], cure: 'chmod u+r /etc/shadow'},
  ],
  [
    'an owner without a name',
    shadow,
    {'/etc/shadow': {mode: '0640', uid: 4711}},
    'fail',
    {wrong: ['owner'], actual: {owner: '4711 (no name here)'}, cure: 'chown root /etc/shadow'},
  ],
  [
    'a link where a file is wanted',
    shadow,
    {'/etc/shadow': {link: '/srv/shadow'}},
    'fail',
    {wrong: ['type'], actual: {type: 'link to /srv/shadow'}},
  ],
  [
    'a file that must not be there',
    {path: '/etc/nologin', exists: false},
    {'/etc/nologin': ''},
    'fail',
    {cure: 'remove /etc/nologin'},
  ],
  [
    'a file that is not there and must not be',
    {path: '/etc/nologin', exists: false},
    {},
    'pass',
    {actual: {exists: false}},
  ],
  ['a file that must be there', {path: '/etc/motd', exists: true}, {}, 'fail', {actual: {exists: false}}],
  ['a missing file without a word on it', shadow, {}, 'not-applicable', {reason: '/etc/shadow does not exist'}],
  [
    'a file that may not be looked at',
    shadow,
    {'/etc/shadow': {error: 'EACCES'}},
    'unknown',
    {reason: 'cannot look at /etc/shadow: permission denied even to root (EACCES)'},
  ],
  [
    'content that may not be read',
    {path: '/x', lines_include: ['a']},
    {'/x': {read_error: 'EIO', content: 'a'}},
    'unknown',
    {reason: 'cannot read /x: input/output error, the disk or file system may be damaged (EIO)'},
  ],
  ['a line that is there', {path: '/x', lines_include: ['allow  all']}, {'/x': ' allow  all \n'}, 'pass', {}],
  [
    'a line that is a part of another',
    {path: '/x', lines_include: ['allow']},
    {'/x': 'allow all\n'},
    'fail',
    {actual: {lines: 'without allow'}},
  ],
  [
    'an unwanted line',
    {path: '/x', lines_exclude: ['+']},
    {'/x': 'root\n+\n'},
    'fail',
    {actual: {'unwanted lines': ['+']}},
  ],
  ['wanted text', {path: '/x', text_includes: ['/etc/passwd']}, {'/x': '-w /etc/passwd -p wa\n'}, 'pass', {}],
  [
    'wanted text that is not all there',
    {path: '/x', text_includes: ['/etc/passwd', '/etc/group']},
    {'/x': '-w /etc/passwd -p wa\n'},
    'fail',
    {actual: {text: 'without /etc/group'}},
  ],
  ['unwanted text', {path: '/x', text_excludes: ['\\r']}, {'/x': 'kernel \\r\n'}, 'fail', {}],
  [
    'content of a directory',
    {path: '/x', lines_include: ['a']},
    {'/x/': {}},
    'unknown',
    {reason: '/x is a directory, so it has no content to read'},
  ],
  [
    'a directory above that others may write',
    {path: '/srv/app/key', parents: 'safe'},
    {'/srv/app/': {mode: '0777'}, '/srv/app/key': ''},
    'fail',
    {actual: {parents: '/srv/app owner root, mode 0777'}},
  ],
  [
    'a sticky directory above',
    {path: '/tmp/key', parents: 'safe'},
    {'/tmp/': {mode: '1777'}, '/tmp/key': ''},
    'pass',
    {},
  ],
  [
    "a directory above that is somebody else's",
    {path: '/srv/app/key', parents: 'safe'},
    {'/srv/app/': {uid: 1000}, '/srv/app/key': ''},
    'fail',
    {cure: 'chown root /srv/app; chmod go-w /srv/app'},
  ],
  [
    'a file that holds no certificate',
    certificate,
    {'/c.pem': 'nothing'},
    'fail',
    {actual: {certificate: 'no PEM certificate in the file'}},
  ],
  [
    'a damaged certificate',
    certificate,
    {'/c.pem': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'},
    'fail',
    {actual: {certificate: 'not a readable X.509 certificate'}},
  ],
];

for (const [title, check, files, verdict, like] of rows) {
  test(`file on ${title} says ${verdict}`, async t => {
    const findings = await judge(check, files);
    t.is(findings.length, 1);
    t.like(findings[0], {verdict, ...like} as never);
  });
}

test('file judges each path that a pattern matches, and quotes names for the shell', async t => {
  const findings = await judge(
    {path: '/etc/ssh/ssh_host_*_key', mode_at_most: '0600'},
    {
      '/etc/ssh/ssh_host_rsa_key': {mode: '0600'},
      "/etc/ssh/ssh_host_o'x_key": {mode: '0604'},
      '/etc/ssh/ssh_host_rsa_key.pub': '',
    },
  );
  t.deepEqual(
    findings.map(({subject, verdict}) => [subject, verdict]),
    [
      ["/etc/ssh/ssh_host_o'x_key", 'fail'],
      ['/etc/ssh/ssh_host_rsa_key', 'pass'],
    ],
  );
  t.like(findings[0], {cure: "chmod o-r '/etc/ssh/ssh_host_o'\\''x_key'"});
});

test("file says unknown, not pass, when a pattern's directory cannot be listed", async t => {
  const findings = await judge({path: '/etc/ssh/*_key', mode_at_most: '0600'}, {'/etc/ssh/': {read_error: 'EACCES'}});
  t.deepEqual(
    findings.map(({verdict}) => verdict),
    ['unknown'],
  );
});

test('file judges the dates of a real certificate', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-'));
  t.teardown(() => rmSync(folder, {recursive: true}));
  const path = join(folder, 'c.pem');
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '60',
      '-subj',
      '/CN=test',
      '-keyout',
      '/dev/null',
      '-out',
      path,
    ],
    {stdio: 'ignore'},
  );
  const content = readFileSync(path, 'utf8');
  const at = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().replace(/\.\d+Z/, 'Z');
  const verdictAt = async (days: number) =>
    (await judge(certificate, {'/c.pem': content}, {now: at(days)}))[0]?.verdict;
  t.is(await verdictAt(1), 'pass');
  t.is(await verdictAt(31), 'fail');
  t.is(await verdictAt(-2), 'fail');
});
