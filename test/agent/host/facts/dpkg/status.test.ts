import {execFileSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import test from 'ava';
import {StanzaScanner} from '../../../../../agent/host/facts/dpkg/stanzas.ts';
import {readDpkgPackages} from '../../../../../agent/host/facts/dpkg/status.ts';
import {localHost} from '../../../../../agent/host/local/host.ts';
import type {Fixture} from '../../../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../../../agent/host/memory/host.ts';
import type {PackageFact} from '../../../../../policies/facts/packages.ts';
import {installed} from '../../../../helpers/apt.ts';

const status = '/var/lib/dpkg/status';
const lookAt = (files: NonNullable<Fixture['files']>) => readDpkgPackages(memoryHost({files}));

async function packagesOf(files: NonNullable<Fixture['files']>): Promise<PackageFact[]> {
  const answer = await lookAt(files);
  if (answer.state !== 'seen') throw new Error(`${answer.state}: ${answer.reason}`);
  return answer.value.packages;
}

test('readDpkgPackages() reads names, versions, sources, holds and states', async t => {
  const text = [
    installed('dpkg', '1.21.22', {Architecture: 'arm64'}),
    installed('libc6', '2.36-9', {Source: 'glibc', 'Multi-Arch': 'same'}),
    installed('libssl3', '3.0.1-1+b2', {Source: 'openssl (3.0.1-1)', Status: 'hold ok installed'}),
    installed('gone', '1', {Status: 'deinstall ok config-files'}),
    installed('broken', '1', {Status: 'install reinstreq half-installed'}),
    'Package: never\nStatus: unknown ok not-installed\nPriority: optional\n\n',
  ].join('');
  const answer = await lookAt({[status]: text});
  if (answer.state !== 'seen') return t.fail(answer.reason);
  t.is(answer.value.nativeArchitecture, 'arm64');
  t.deepEqual(
    answer.value.packages.map(entry => [
      entry.name,
      entry.version,
      entry.source,
      entry.sourceVersion,
      entry.installed,
      entry.held,
    ]),
    [
      ['dpkg', '1.21.22', 'dpkg', '1.21.22', true, false],
      ['libc6', '2.36-9', 'glibc', '2.36-9', true, false],
      ['libssl3', '3.0.1-1+b2', 'openssl', '3.0.1-1', true, true],
      ['gone', '1', 'gone', '1', false, false],
      ['broken', '1', 'broken', '1', false, false],
      ['never', '', 'never', '', false, false],
    ],
  );
});

test('readDpkgPackages() reads status.d of images without dpkg', async t => {
  const part = (name: string) => `Package: ${name}\nVersion: 1\nArchitecture: amd64\n`;
  const files = {
    '/var/lib/dpkg/status.d/base': part('base-files'),
    '/var/lib/dpkg/status.d/ssl': part('libssl3'),
    '/var/lib/dpkg/status.d/ssl.md5sums': 'x',
  };
  t.deepEqual(
    (await packagesOf(files)).map(({name, installed: there}) => [name, there]),
    [
      ['base-files', true],
      ['libssl3', true],
    ],
  );
});

test('readDpkgPackages() counts what an interrupted dpkg left', async t => {
  const files = {
    [status]: installed('a', '1'),
    '/var/lib/dpkg/updates/0001': installed('a', '2'),
    '/var/lib/dpkg/updates/0002': installed('a', '3', {Status: 'install ok unpacked'}),
    '/var/lib/dpkg/updates/tmp.i': 'half',
  };
  t.like((await packagesOf(files))[0], {version: '3', installed: false});
});

test('readDpkgPackages() takes a last stanza without a blank line for whole when nothing is missing', async t => {
  const files = {[status]: installed('a', '1').trimEnd().concat('\n'), '/var/lib/dpkg/info/a:amd64.list': ''};
  t.is((await packagesOf(files)).length, 1);
});

test('readDpkgPackages() is absent without a database', async t => {
  t.is((await lookAt({'/etc/': {mode: '0755'}})).state, 'absent');
});

const good = installed('a', '1') + installed('b', '2') + installed('c', '3');
for (const [what, files, reason] of [
  ['a cut line', {[status]: good.slice(0, -4)}, /last line is cut off/],
  [
    'a cut at the end of a line',
    {[status]: `${installed('a', '1')}Package: b\nStatus: install ok installed\n`},
    /b at byte \d+ has no version/,
  ],
  [
    'packages lost at the end',
    {
      [status]: installed('a', '1').slice(0, -1),
      '/var/lib/dpkg/info/a.list': '',
      '/var/lib/dpkg/info/b:amd64.list': '',
    },
    /1 packages that \/var\/lib\/dpkg\/info has files of are not in it, such as b/,
  ],
  ['an empty database of a filled machine', {[status]: '', '/var/lib/dpkg/info/a.list': ''}, /1 packages/],
  ['a lost database', {'/var/lib/dpkg/info/a.list': ''}, /1 packages/],
  ['NUL bytes', {[status]: good.replace('Version: 2', 'Version: \0')}, /NUL bytes after byte \d+/],
  ['a block of NUL bytes', {[status]: `${installed('a', '1')}${'\0'.repeat(4096)}\n\n`}, /NUL bytes/],
  ['a stanza without a name', {[status]: `${good}Status: install ok installed\nVersion: 1\n\n`}, /names no package/],
  ['a stanza without a status', {[status]: good.replace('Status: install ok installed\n', '')}, /has no status/],
  ['a stanza without a version', {[status]: installed('a', '')}, /a at byte 0 has no version/],
  ['a line that is no field', {[status]: good.replace('Version: 2', 'Versio')}, /names no package/],
  [
    'bytes of another file',
    {[status]: {base64: Buffer.from([0x89, 0x50, 0x4e, 0x47, 10, 10, 1]).toString('base64')}},
    /is damaged/,
  ],
  ['no permission', {[status]: {content: good, error: 'EACCES'}}, /permission denied/],
  ['a broken disk', {[status]: {content: good, read_error: 'EIO'}}, /input\/output error/],
  ['a directory in its place', {[`${status}/x`]: ''}, /it is a directory/],
  ['a damaged journal', {[status]: good, '/var/lib/dpkg/updates/0001': 'Package: a\n'}, /updates\/0001: it is damaged/],
] as const) {
  test(`readDpkgPackages() does not trust a database with ${what}`, async t => {
    const answer = await lookAt(files as NonNullable<Fixture['files']>);
    t.is(answer.state, 'unseen');
    t.regex(answer.state === 'unseen' ? answer.reason : '', reason);
  });
}

test('readDpkgPackages() lists what dpkg-query lists on this machine', async t => {
  if (!existsSync('/usr/bin/dpkg-query')) {
    t.log('skipped: dpkg is not installed');
    return t.pass();
  }
  const format = ['Package', 'Version', 'Architecture', 'Status', 'source:Package', 'source:Version']
    .map(field => `$\{${field}}`)
    .join(' ');
  const wanted = execFileSync('/usr/bin/dpkg-query', ['-W', '-f', `${format}\n`], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
    .trim()
    .split('\n');
  const answer = await readDpkgPackages(localHost('/'));
  if (answer.state !== 'seen') return t.fail(answer.reason);
  const found = answer.value.packages.map(
    entry =>
      `${entry.name} ${entry.version} ${entry.architecture} ${entry.status} ${entry.source} ${entry.sourceVersion}`,
  );
  t.deepEqual(found.toSorted(), wanted.toSorted());
});

test('StanzaScanner finds the same stanzas however the file is cut in pieces', t => {
  const text = Buffer.from('\n\nA: 1\nB: 2\n\n\n\nC: 3\n D\n\nE: 4\n\n\nF: 5');
  const wanted = [
    [2, 'A: 1\nB: 2'],
    [15, 'C: 3\n D'],
    [24, 'E: 4'],
    [31, 'F: 5'],
  ];
  for (let size = 1; size <= text.length; size++) {
    const found: Array<[number, string]> = [];
    const scanner = new StanzaScanner((bytes, start, end, position) =>
      found.push([position, bytes.toString('latin1', start, end).trimEnd()]),
    );
    for (let at = 0; at < text.length; at += size) scanner.push(Buffer.from(text.subarray(at, at + size)));
    scanner.end();
    t.deepEqual(found, wanted as Array<[number, string]>, `pieces of ${size} bytes`);
  }
});

test('StanzaScanner refuses a stanza without end', t => {
  const scanner = new StanzaScanner(() => {});
  const piece = Buffer.alloc(1024 * 1024, 'x');
  t.throws(
    () => {
      for (let count = 0; count < 6; count++) scanner.push(piece);
    },
    {message: /more than 4194304 bytes/},
  );
});
