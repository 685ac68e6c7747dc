import {createHash} from 'node:crypto';
import {cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {gunzipSync, zstdCompressSync} from 'node:zlib';
import test, {type ExecutionContext} from 'ava';
import {readDnfUpdates, readRpmPackages} from '../../../../../agent/host/facts/rpm/index.ts';
import {localHost} from '../../../../../agent/host/local/host.ts';
import {memoryHost} from '../../../../../agent/host/memory/host.ts';
import type {PendingUpdate, UpdatesFact} from '../../../../../policies/facts/patch.ts';
import {cacheRepository, makeRepository} from '../../../../helpers/dnf.ts';
import {buildDnfWorld, type DnfWorld} from '../../../../helpers/dnf-world.ts';
import {lacks, RpmLab} from '../../../../helpers/rpm.ts';

const tools = ['/usr/bin/rpm', '/usr/bin/rpmbuild', '/usr/bin/createrepo_c', '/usr/bin/modifyrepo_c'];

let shared: DnfWorld | null = null;
test.after.always(() => shared?.lab.remove());

/** The packages are built once; each test gets a root of its own. */
function makeWorld(t: ExecutionContext): DnfWorld {
  shared ??= buildDnfWorld();
  const folder = mkdtempSync(join(tmpdir(), 'reeve-dnf-'));
  t.teardown(() => rmSync(folder, {recursive: true}));
  const root = join(folder, 'root');
  cpSync(shared.root, root, {recursive: true});
  return {...shared, root};
}

function cacheAll({root, repositories}: DnfWorld): void {
  for (const [id, folder] of repositories) cacheRepository(root, id, folder);
}

async function updates(t: ExecutionContext, root: string): Promise<UpdatesFact> {
  const host = localHost(root);
  const packages = await readRpmPackages(host);
  if (packages.state !== 'seen') return t.fail(packages.reason);
  const answer = await readDnfUpdates(host, packages.value.packages);
  return answer.state === 'seen' ? answer.value : t.fail(answer.reason);
}

const shown = ({package: name, candidate, advisories}: PendingUpdate) =>
  `${name} ${candidate} ${advisories.join(' ')}`.trim();

test('readDnfUpdates() counts by advisory type, within the module stream, against the newest kernel', async t => {
  if (lacks(t, ...tools)) return;
  const world = makeWorld(t);
  cacheAll(world);
  const {pending, securityUnknown, notes, metadata} = await updates(t, world.root);
  t.deepEqual(pending.map(shown), [
    'bash 5.1-2.el9',
    'kernel-core 5.14.0-570.el9 FEDORA-5',
    'locked 2-1 RLSA-8',
    'nodejs 1:18.2-1.module_el9 RLSA-6',
    'openssl 1:3.0.7-25.el9 RLSA-1',
    'tool 1.1-1',
  ]);
  const [, kernel, locked, , openssl, tool] = pending;
  t.like(openssl, {
    installed: '1:3.0.7-18.el9',
    security: true,
    securityVersion: '1:3.0.7-20.el9',
    masked: true,
    origin: 'base',
    publishedAt: '2026-10-03T10:00:00.000Z',
  });
  t.like(kernel, {installed: '5.14.0-503.el9', masked: false, held: false});
  t.like(locked, {held: true, security: true});
  t.like(tool, {origin: 'third', security: false, securityVersion: null, publishedAt: null});
  t.deepEqual(securityUnknown, ['repository "third" publishes no advisories, and offers newer packages: tool']);
  t.deepEqual(notes, [
    '1 security advisories name versions that no enabled repository offers',
    'repositories that are not enabled were left out: off',
  ]);
  t.deepEqual(
    metadata.sources.map(({name, security}) => [name, security]),
    [
      ['base', true],
      ['third', false],
    ],
  );
});

test('readDnfUpdates() lists the updates and advisories that dnf lists', async t => {
  if (lacks(t, ...tools, '/usr/bin/dnf')) return;
  const {lab, root} = makeWorld(t);
  const dnf = (...args: string[]) => {
    const options = [
      `--installroot=${root}`,
      '--releasever=9',
      '--forcearch=x86_64',
      `--setopt=cachedir=${root}/var/cache/dnf`,
      `--setopt=reposdir=${root}/etc/yum.repos.d`,
      '--setopt=excludepkgs=',
      '-c',
      `${root}/etc/dnf/dnf.conf`,
      '--quiet',
    ];
    return lab.run(['/bin/sh', '-c', '"$@" || [ $? = 100 ]', 'sh', '/usr/bin/dnf', ...options, ...args]);
  };
  dnf('makecache');
  const words = (text: string) =>
    text
      .split('\n')
      .map(line => line.trim().split(/\s+/))
      .filter(line => line.length > 2);
  const listed = words(dnf('-C', 'check-update'))
    .map(([name, version]) => `${name} ${version}`)
    .sort();
  const advised = words(dnf('-C', 'updateinfo', 'list', '--security'))
    .map(([id]) => id as string)
    .sort();
  const {pending} = await updates(t, root);
  t.deepEqual(
    pending.map(({package: name, architecture, candidate}) => `${name}.${architecture} ${candidate}`).sort(),
    listed,
  );
  // dnf lists by advisories alone; one whose version no repository offers is none that can be installed.
  t.deepEqual([...pending.flatMap(({advisories}) => advisories), 'RLSA-9'].sort(), advised);
});

test('readDnfUpdates() knows that nothing is pending where no repository offers anything newer', async t => {
  if (lacks(t, ...tools)) return;
  const lab = new RpmLab();
  t.teardown(() => lab.remove());
  const root = lab.database('root', [lab.build({name: 'current', version: '1', release: '1'})]);
  const folder = makeRepository(lab, 'third', [lab.build({name: 'current', version: '1', release: '1'})]);
  mkdirSync(join(root, 'etc/yum.repos.d'), {recursive: true});
  writeFileSync(join(root, 'etc/yum.repos.d/third.repo'), '[third]\nname=third\n');
  cacheRepository(root, 'third', folder);
  const {pending, securityUnknown} = await updates(t, root);
  t.deepEqual({pending, securityUnknown}, {pending: [], securityUnknown: []});
});

test('readDnfUpdates() does not count a repository whose metadata was never fetched as one without updates', async t => {
  if (lacks(t, ...tools)) return;
  const world = makeWorld(t);
  cacheRepository(world.root, 'base', world.repositories.get('base') as string);
  const {securityUnknown, metadata} = await updates(t, world.root);
  t.deepEqual(securityUnknown, ['the metadata of repository "third" was never fetched: run "dnf makecache"']);
  t.is(metadata.fetchedAt, null);
});

test('readDnfUpdates() takes the age of the oldest metadata, and does not believe it after 14 days', async t => {
  if (lacks(t, ...tools)) return;
  const world = makeWorld(t);
  cacheAll(world);
  const folder = join(world.root, 'var/cache/dnf/base-0123456789abcdef/repodata');
  for (const [days, unknown] of [
    [14, []],
    [15, ['the metadata of repository "base" was fetched 15 days ago: run "dnf makecache"']],
  ] as const) {
    const seconds = Math.floor(Date.now() / 1000) - days * 86_400 - 60;
    for (const name of readdirSync(folder)) utimesSync(join(folder, name), seconds, seconds);
    const {metadata, securityUnknown} = await updates(t, world.root);
    t.is(metadata.fetchedAt, new Date(seconds * 1000).toISOString());
    t.deepEqual(
      securityUnknown.filter(text => !text.includes('"third"')),
      [...unknown],
    );
    t.regex(metadata.releasedAt ?? '', /^20\d\d-/);
  }
});

test('readDnfUpdates() lets a repository of better priority hide the others', async t => {
  if (lacks(t, ...tools)) return;
  const world = makeWorld(t);
  cacheAll(world);
  const file = join(world.root, 'etc/yum.repos.d/all.repo');
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace('[off]\n', '[off]\npriority=1\n').replace('enabled=0', 'enabled=1'),
  );
  const {pending} = await updates(t, world.root);
  t.like(pending[0], {package: 'bash', candidate: '9-1', origin: 'off'});
});

test('readDnfUpdates() follows the overrides that dnf5 config-manager writes', async t => {
  if (lacks(t, ...tools)) return;
  const world = makeWorld(t);
  cacheAll(world);
  mkdirSync(join(world.root, 'etc/dnf/repos.override.d'));
  writeFileSync(join(world.root, 'etc/dnf/repos.override.d/99-config_manager.repo'), '[thi*]\nenabled=0\n');
  const {securityUnknown, metadata} = await updates(t, world.root);
  t.deepEqual(securityUnknown, []);
  t.deepEqual(
    metadata.sources.map(({name}) => name),
    ['base'],
  );
});

test('readDnfUpdates() reads metadata packed as zstd', async t => {
  if (lacks(t, ...tools)) return;
  const world = makeWorld(t);
  cacheAll(world);
  repack(join(world.root, 'var/cache/dnf/base-0123456789abcdef/repodata'), '.zst', zstdCompressSync);
  const {pending} = await updates(t, world.root);
  t.is(pending.length, 6);
});

for (const ending of ['.xz', '.bz2', '.zck']) {
  test(`readDnfUpdates() says that it cannot unpack ${ending} in an image`, async t => {
    if (lacks(t, ...tools)) return;
    const world = makeWorld(t);
    cacheAll(world);
    repack(join(world.root, 'var/cache/dnf/base-0123456789abcdef/repodata'), ending, bytes => bytes);
    const {securityUnknown} = await updates(t, world.root);
    t.regex(securityUnknown[0] ?? '', /^repository "base": cannot read .*primary\.xml\.(?:xz|bz2|zck): /);
  });
}

/** Packs the list of packages anew, and lets repomd.xml say so. */
function repack(folder: string, ending: string, pack: (bytes: Buffer) => Buffer): void {
  const name = readdirSync(folder).find(entry => entry.endsWith('primary.xml.gz')) as string;
  const bytes = readFileSync(join(folder, name));
  const packed = pack(gunzipSync(bytes));
  const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex');
  writeFileSync(join(folder, name.replace('.gz', ending)), packed);
  rmSync(join(folder, name));
  const repomd = join(folder, 'repomd.xml');
  const text = readFileSync(repomd, 'utf8').replace(name, name.replace('.gz', ending));
  writeFileSync(repomd, text.replace(`>${sha256(bytes)}<`, `>${sha256(packed)}<`));
}

const damages: Array<
  [title: string, damage: (folder: string, find: (part: string) => string) => void, reason: RegExp]
> = [
  [
    'a list of packages cut short',
    (_, find) => cut(find('primary.xml.gz')),
    /its sha256 is not the one in repomd\.xml/,
  ],
  [
    'advisories that were exchanged',
    (_, find) => writeFileSync(find('updateinfo.xml.gz'), 'other'),
    /its sha256 is not the one in repomd\.xml/,
  ],
  ['advisories that are gone', (_, find) => rmSync(find('updateinfo.xml.gz')), /"updateinfo" that was not fetched/],
  [
    'a repomd.xml that is no XML',
    folder => writeFileSync(join(folder, 'repomd.xml'), 'oops'),
    /cannot read .*repomd\.xml/,
  ],
  [
    'a repomd.xml that is another file',
    folder => writeFileSync(join(folder, 'repomd.xml'), '<html></html>'),
    /it is not a repomd file/,
  ],
  [
    'a repomd.xml with entities',
    folder => writeFileSync(join(folder, 'repomd.xml'), '<!DOCTYPE repomd><repomd></repomd>'),
    /document type/,
  ],
  [
    'a repomd.xml that names nothing',
    folder => writeFileSync(join(folder, 'repomd.xml'), '<repomd></repomd>'),
    /names no list of packages/,
  ],
];
for (const [title, damage, reason] of damages) {
  test(`readDnfUpdates() does not know the count for ${title}`, async t => {
    if (lacks(t, ...tools)) return;
    const world = makeWorld(t);
    cacheAll(world);
    const folder = join(world.root, 'var/cache/dnf/base-0123456789abcdef/repodata');
    damage(folder, part => join(folder, readdirSync(folder).find(name => name.endsWith(part)) as string));
    const {securityUnknown} = await updates(t, world.root);
    t.true(
      securityUnknown.some(text => reason.test(text)),
      securityUnknown.join('\n'),
    );
  });
}

function cut(path: string): void {
  writeFileSync(path, readFileSync(path).subarray(0, 100));
}

test('readDnfUpdates() reads no file outside of the cache, whatever repomd.xml names', async t => {
  const repomd = '<repomd><data type="primary"><location href="../../../../../etc/passwd"/></data></repomd>';
  const answer = await readDnfUpdates(
    memoryHost({
      files: {
        '/etc/yum.repos.d/a.repo': '[a]\n',
        '/etc/passwd': '<metadata></metadata>',
        '/var/cache/dnf/a-0123456789abcdef/repodata/repomd.xml': repomd,
      },
    }),
    [],
  );
  t.true(answer.state === 'seen' && answer.value.securityUnknown[0]?.includes('"primary" that was not fetched'));
});

test('readDnfUpdates() is absent on a host that has no dnf, and unseen where its configuration may not be read', async t => {
  t.is((await readDnfUpdates(memoryHost({files: {}}), [])).state, 'absent');
  const denied = memoryHost({looker: 1000, files: {'/etc/dnf/dnf.conf': {content: '[main]', mode: '0600'}}});
  t.is((await readDnfUpdates(denied, [])).state, 'unseen');
});

test('readDnfUpdates() does not take a host without enabled repositories for one without updates', async t => {
  const answer = await readDnfUpdates(memoryHost({files: {'/etc/dnf/dnf.conf': '[main]\n'}}), []);
  t.true(answer.state === 'seen' && answer.value.securityUnknown.includes('no repository is enabled'));
});
