import {execFileSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {NameSet, readIndex} from '../../../../../agent/host/facts/apt/packages.ts';
import {readPacked} from '../../../../../agent/host/facts/apt/unpack.ts';
import {localHost} from '../../../../../agent/host/local/host.ts';
import {stanza} from '../../../../helpers/apt.ts';

const text = Buffer.from(
  Array.from({length: 4000}, (_, index) =>
    stanza(`p${index}`, `1.${index}`, {Description: 'x'.repeat(index % 500)}),
  ).join(''),
);
const sha256 = createHash('sha256').update(text).digest('hex');
const packers: Array<[string, string[]]> = [
  ['', ['cat']],
  ['.lz4', ['lz4', '-c', '-q']],
  ['.gz', ['gzip', '-c']],
  ['.zst', ['zstd', '-c', '-q']],
  ['.xz', ['xz', '-c']],
  ['.bz2', ['bzip2', '-c']],
];

function withFile<T>(name: string, bytes: Buffer, use: (path: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'reeve-unpack-'));
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return use(path).finally(() => rmSync(directory, {recursive: true}));
}

const host = localHost('/');

for (const [ending, [program = '', ...options]] of packers) {
  const packed = execFileSync(program, options, {input: text, maxBuffer: 64 * 1024 * 1024});

  test(`readIndex() finds the packages asked for in a "${ending}" index`, async t => {
    const names = new NameSet(['p0', 'p1234', 'p3999', 'p4000', 'q']);
    const read = await withFile(`Packages${ending}`, packed, path => readIndex(host, path, names, sha256));
    if (!read.ok) return t.fail(read.reason);
    t.deepEqual(
      read.value.map(({name, version}) => `${name} ${version}`),
      ['p0 1.0', 'p1234 1.1234', 'p3999 1.3999'],
    );
  });

  if (ending === '') continue;
  for (const [what, bytes] of [
    ['cut', packed.subarray(0, packed.length - 20)],
    ['damaged', Buffer.concat([packed.subarray(0, 2000), Buffer.alloc(60, 0xff), packed.subarray(2060)])],
  ] as const) {
    test(`readIndex() refuses a ${what} "${ending}" index`, async t => {
      const read = await withFile(`Packages${ending}`, bytes, path =>
        readIndex(host, path, new NameSet(['p1']), sha256),
      );
      t.false(read.ok);
      t.regex(read.ok ? '' : read.reason, /^cannot (?:read|unpack|trust) .*Packages/);
    });
  }
}

test('readPacked() stops when what it hands over is refused', async t => {
  for (const ending of ['.lz4', '.gz', '.zst']) {
    const [program = '', ...options] = packers.find(([known]) => known === ending)?.[1] ?? [];
    const packed = execFileSync(program, options, {input: text, maxBuffer: 64 * 1024 * 1024});
    const read = await withFile(`x${ending}`, packed, path =>
      readPacked(host, path, () => {
        throw new Error('enough');
      }),
    );
    t.regex(read.ok ? '' : read.reason, /enough/);
  }
});

test('readPacked() says when a file is not there', async t => {
  const read = await readPacked(host, '/no/such/Packages.gz', () => {});
  t.like(read, {ok: false, code: 'absent'});
});

test('NameSet finds names by their bytes', t => {
  const names = new NameSet(['a', 'libssl3', 'g++']);
  const has = (name: string) => names.has(Buffer.from(`xx${name}yy`), 2, 2 + name.length);
  t.deepEqual(['a', 'libssl3', 'g++', 'libssl', 'libssl3x', 'b', ''].map(has), [
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});
