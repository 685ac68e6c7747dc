import test from 'ava';
import {collectFacts} from '../../../../../agent/host/facts/collect.ts';
import type {Fixture} from '../../../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../../../agent/host/memory/host.ts';
import type {TreeRequest} from '../../../../../policies/facts/tree.ts';

const request: TreeRequest & {fact: 'tree'} = {
  fact: 'tree',
  under: ['/'],
  except: [],
  find: {types: ['file'], modeAny: 0o6000},
  allow: [],
  allowPackaged: true,
};
const unpacked = '2026-03-01T10:00:00Z';
const later = '2026-03-01T10:01:00Z';

const base: NonNullable<Fixture['files']> = {
  '/etc/passwd': 'root:x:0:0::/root:/bin/sh\n',
  '/etc/group': 'root:x:0:\nshadow:x:42:\n',
  '/var/lib/dpkg/info/tool.list':
    '/.\n/usr\n/usr/bin\n/usr/bin/tool\n/usr/share/doc/tool/copyright\n/usr/share/man/tool.1\n',
  '/usr/share/doc/tool/copyright': {content: 'x', modified: unpacked},
  '/usr/share/man/tool.1': {content: 'x', modified: unpacked},
};

async function found(files: NonNullable<Fixture['files']>, find: TreeRequest['find'] = request.find) {
  const asked = {...request, find};
  const {facts} = await collectFacts(memoryHost({files: {...base, ...files}}), [asked]);
  const answer = facts.get(asked);
  if (answer.state !== 'seen') return answer.state;
  const {found: entries, notSeen, allowed} = answer.value;
  return {entries: entries.map(({path, packageNote}) => `${path}: ${packageNote}`), notSeen, allowed};
}

test('a packaged set-uid file that was not changed since its package was unpacked is allowed', async t => {
  t.like(await found({'/usr/bin/tool': {mode: '4755', modified: unpacked, content: ''}}), {entries: [], allowed: 1});
});

test('a packaged file that was made set-uid later is found, and the finding says why', async t => {
  const note = 'package tool brings it; dpkg keeps no modes, and it was changed after tool was unpacked';
  t.like(await found({'/usr/bin/tool': {mode: '4755', modified: later, content: ''}}), {
    entries: [`/usr/bin/tool: ${note}`],
    allowed: 0,
  });
});

test('a set-uid file of no package is found without a note', async t => {
  t.like(await found({'/usr/bin/own': {mode: '4755', modified: unpacked, content: ''}}), {
    entries: ['/usr/bin/own: null'],
  });
});

test('a file that is known to be privileged is allowed with its own mode and owner only', async t => {
  const list = {'/var/lib/dpkg/info/passwd.list': '/usr/bin/chage\n'};
  const chage = {mode: '2755', gid: 42, modified: later, content: ''};
  t.like(await found({...list, '/usr/bin/chage': chage}), {allowed: 1});
  t.like(await found({...list, '/usr/bin/chage': {...chage, mode: '6755'}}), {allowed: 0});
  t.like(await found({...list, '/usr/bin/chage': {...chage, gid: 0}}), {allowed: 0});
  t.like(await found({'/usr/bin/chage': chage}), {allowed: 0});
});

test('a list with the paths of before merged /usr owns the same file', async t => {
  const files = {'/bin': {link: 'usr/bin'}, '/var/lib/dpkg/info/util-linux.list': '/bin/su\n'};
  t.like(await found({...files, '/usr/bin/su': {mode: '4755', modified: later, content: ''}}), {allowed: 1});
});

test('dpkg-statoverride decides where it speaks of a file', async t => {
  const override = {'/var/lib/dpkg/statoverride': 'root shadow 2750 /usr/bin/tool\n'};
  t.like(await found({...override, '/usr/bin/tool': {mode: '2750', gid: 42, modified: later, content: ''}}), {
    allowed: 1,
  });
  t.like(await found({...override, '/usr/bin/tool': {mode: '4755', modified: unpacked, content: ''}}), {
    entries: ['/usr/bin/tool: dpkg-statoverride says that it is to be root:shadow 2750'],
  });
});

test('capabilities are allowed where they are known, not because the mode is', async t => {
  const xattrs = {
    'security.capability': Buffer.from('0100000200200000000000000000000000000000', 'hex').toString('base64'),
  };
  const lists = {'/var/lib/dpkg/info/two.list': '/usr/bin/ping\n/usr/bin/su\n'};
  const files = {
    '/usr/bin/ping': {mode: '0755', modified: later, content: '', xattrs},
    '/usr/bin/su': {mode: '4755', modified: later, content: '', xattrs},
  };
  const answer = await found({...lists, ...files}, {capability: true});
  t.like(answer, {allowed: 1});
  t.regex(JSON.stringify(answer), /\/usr\/bin\/su: package two/);
});

test('where the package database cannot be read, what was found is unknown, not wrong', async t => {
  const answer = await found({
    '/usr/bin/tool': {mode: '4755', content: ''},
    '/var/lib/dpkg/info/tool.list': {content: '', read_error: 'EIO'},
  });
  t.like(answer, {entries: [], allowed: 0});
  t.regex(JSON.stringify(answer), /cannot tell whether a package brought \/usr\/bin\/tool: .*input\/output error/);
});

test('an older rpm database is asked through rpm, and mode, owner and capabilities must be as they came', async t => {
  const argv = [
    '/usr/bin/rpm',
    '-qf',
    '--qf',
    '[%{FILENAMES}\\t%{=NAME}\\t%{FILEMODES}\\t%{FILEUSERNAME}\\t%{FILEGROUPNAME}\\t%{FILECAPS}\\n]',
    '/usr/bin/own',
    '/usr/bin/su',
    '/usr/bin/tool',
  ];
  const stdout = '/usr/bin/su\tutil-linux\t-30227\troot\troot\t\n/usr/bin/tool\ttool\t33261\troot\troot\t\n';
  const asked = {...request, under: ['/usr']};
  const files: NonNullable<Fixture['files']> = {
    '/etc/passwd': 'root:x:0:0::/root:/bin/sh\n',
    '/etc/group': 'root:x:0:\n',
    '/var/lib/rpm/Packages': 'x',
    '/usr/bin/own': {mode: '4755', content: ''},
    '/usr/bin/su': {mode: '4755', content: ''},
    '/usr/bin/tool': {mode: '4755', content: ''},
  };
  // 33261 is 0100755; 0104755 does not fit into 16 bits with a sign, which is how rpm prints it.
  const {facts} = await collectFacts(memoryHost({files, commands: [{argv, exit: 1, stdout}]}), [asked]);
  const answer = facts.get(asked);
  t.is(answer.state, 'seen');
  if (answer.state !== 'seen') return;
  t.deepEqual(
    answer.value.found.map(({path, packageNote}) => [path, packageNote]),
    [
      ['/usr/bin/own', null],
      ['/usr/bin/tool', 'package tool brings it as root:root 0755'],
    ],
  );
  t.is(answer.value.allowed, 1);
});
