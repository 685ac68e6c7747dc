import {spawnSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {collectFacts} from '../../../../../agent/host/facts/collect.ts';
import {HostTables} from '../../../../../agent/host/facts/tables.ts';
import {collectTree} from '../../../../../agent/host/facts/tree/collect.ts';
import type {Host} from '../../../../../agent/host/host.ts';
import {localHost} from '../../../../../agent/host/local/host.ts';
import type {Fixture} from '../../../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../../../agent/host/memory/host.ts';
import type {TreeFact, TreeFind, TreeRequest} from '../../../../../policies/facts/tree.ts';

const request = (find: TreeFind, over: Partial<TreeRequest> = {}): TreeRequest & {fact: 'tree'} => ({
  fact: 'tree',
  under: ['/'],
  except: [],
  find,
  allow: [],
  allowPackaged: false,
  ...over,
});

async function collect(host: Host, asked: Array<ReturnType<typeof request>>): Promise<TreeFact[]> {
  const {facts} = await collectFacts(host, asked);
  return asked.map(one => {
    const answer = facts.get(one);
    if (answer.state !== 'seen') throw new Error(`${answer.state}: ${answer.reason}`);
    return answer.value;
  });
}
const paths = ({found}: TreeFact) => found.map(({path}) => path);

function makeTree(): {root: string; remove: () => void} {
  const root = mkdtempSync(join(tmpdir(), 'reeve-tree-'));
  for (const path of ['etc', 'srv/a/b', 'srv/c', 'opt/x']) mkdirSync(join(root, path), {recursive: true});
  writeFileSync(join(root, 'etc/passwd'), `root:x:0:0::/:/bin/sh\nme:x:${process.getuid?.()}:0::/:/bin/sh\n`);
  writeFileSync(join(root, 'etc/group'), `root:x:0:\nmine:x:${process.getgid?.()}:\n`);
  for (const path of ['srv/file', 'srv/a/file', 'srv/a/b/file', 'srv/c/file', 'opt/x/file'])
    writeFileSync(join(root, path), '');
  symlinkSync('/srv', join(root, 'opt/link'));
  symlinkSync('/opt', join(root, 'here'));
  return {root, remove: () => rmSync(root, {recursive: true})};
}

test('collectTree() gives each request its own part of the one walk', async t => {
  const {root, remove} = makeTree();
  t.teardown(remove);
  const file = {names: ['file']};
  const facts = await collect(localHost(root), [
    request(file),
    request(file, {under: ['/srv'], except: ['/srv/a']}),
    request(file, {under: ['/srv/a/b', '/opt']}),
    request(file, {under: ['/srv', '/srv/a'], except: ['/srv/?/b']}),
    request(file, {under: ['/here']}),
    request(file, {except: ['/srv', '/opt']}),
  ]);
  t.deepEqual(facts.map(paths), [
    ['/opt/x/file', '/srv/a/b/file', '/srv/a/file', '/srv/c/file', '/srv/file'],
    ['/srv/c/file', '/srv/file'],
    ['/opt/x/file', '/srv/a/b/file'],
    ['/srv/a/file', '/srv/c/file', '/srv/file'],
    ['/opt/x/file'],
    [],
  ]);
  t.deepEqual(
    facts.map(({seen}) => seen),
    [16, 4, 4, 6, 3, 6],
  );
});

test('collectTree() reads a directory that one request leaves out and another wants', async t => {
  const {root, remove} = makeTree();
  t.teardown(remove);
  const facts = await collect(localHost(root), [
    request({names: ['file']}, {except: ['/srv']}),
    request({names: ['file']}, {under: ['/srv/a/b']}),
  ]);
  t.deepEqual(facts.map(paths), [['/opt/x/file'], ['/srv/a/b/file']]);
});

for (const [what, find, wanted] of [
  ['files that others may write', ['-type', 'f', '-perm', '-0002'], {types: ['file'], modeAll: 0o002}],
  ['set-id files', ['-type', 'f', '-perm', '/6000'], {types: ['file'], modeAny: 0o6000}],
  [
    'directories without a sticky bit',
    ['-type', 'd', '-not', '-perm', '/1000', '-perm', '-0001'],
    {types: ['directory'], modeAll: 1, modeNone: 0o1000},
  ],
  ['links', ['-type', 'l'], {types: ['link']}],
  ['names', ['-name', '*.conf'], {names: ['*.conf']}],
  ['owners', ['-not', '-user', 'root'], {ownersNot: ['root']}],
] as Array<[string, string[], TreeFind]>) {
  test(`collectTree() finds the same ${what} as find(1)`, async t => {
    const under = '/usr/bin /usr/sbin /etc /var/log'.split(' ');
    const [fact] = (await collect(localHost('/'), [request(wanted, {under})])) as [TreeFact];
    // Directories that are closed to whoever runs this make find(1) end with 1.
    const {stdout: printed} = spawnSync('find', [...under, '-mindepth', '1', ...find], {
      encoding: 'utf8',
      maxBuffer: 1e8,
    });
    const expected = printed
      .split('\n')
      .filter(path => path !== '')
      .sort();
    t.is(fact.found.length + fact.more, expected.length);
    if (fact.more === 0) t.deepEqual(paths(fact), expected);
  });
}

test('collectTree() tells how far it is', async t => {
  const told: string[] = [];
  const host = localHost('/');
  const progress = (text: string) => told.push(text);
  await collectTree([request({names: ['no such name']}, {under: ['/usr']})], {
    host,
    tables: new HostTables(host),
    progress,
  });
  t.regex(told[0] ?? '', /^\d+ entries, in \/usr/);
});

const home: Fixture = {
  files: {
    '/etc/passwd': 'root:x:0:0::/root:/bin/sh\n',
    '/etc/group': 'root:x:0:\n',
    '/home/ann': {uid: 65_536, content: ''},
    '/home/bob': {uid: 65_537, content: ''},
  },
};
const unknown = request({ownerUnknown: true}, {under: ['/home']});
const getent = ['/usr/bin/getent', 'passwd', '65536', '65537'];

test('an owner whom a directory service knows is not unknown', async t => {
  const commands = [{argv: getent, exit: 2, stdout: 'ann:*:65536:65536::/home/ann:/bin/sh\n'}];
  const [fact] = await collect(memoryHost({...home, commands}), [unknown]);
  t.deepEqual(paths(fact as TreeFact), ['/home/bob']);
});

test('an owner is unknown by the files alone where there is no getent, and on an image', async t => {
  for (const fixture of [home, {...home, as: 'image' as const}]) {
    const [fact] = await collect(memoryHost(fixture), [unknown]);
    t.deepEqual(paths(fact as TreeFact), ['/home/ann', '/home/bob']);
  }
});

test('owners are not called unknown while the directory service does not answer', async t => {
  const [fact] = await collect(memoryHost({...home, commands: [{argv: getent, timed_out: true}]}), [unknown]);
  t.deepEqual(paths(fact as TreeFact), []);
  t.regex(fact?.notSeen[0]?.reason ?? '', /cannot tell whether its owner has an account: .*no answer within 10 s/);
});
