import {execFileSync} from 'node:child_process';
import test from 'ava';
import {Lz4Decoder} from '../../../../../agent/host/facts/apt/lz4.ts';
import {xxHash32} from '../../../../../agent/host/facts/apt/xxhash.ts';
import {mutated, seeded} from '../../../../helpers/random.ts';

/** Text that packs well, with matches near and far, long runs, and a stretch that does not pack. */
function sample(size: number): Buffer {
  const below = seeded(size);
  const lines: string[] = [];
  for (let length = 0; length < size; ) {
    const line =
      below(20) === 0
        ? `${'x'.repeat(below(3000))}\n`
        : `Package: lib${below(500)}\nVersion: ${below(10)}.${below(100)}-${below(9)}\n\n`;
    lines.push(line);
    length += line.length;
  }
  const text = Buffer.from(lines.join('')).subarray(0, size);
  for (let at = Math.floor(size / 2); at < Math.floor(size / 2) + Math.min(5000, size / 4); at++) text[at] = below(256);
  return text;
}

const pack = (bytes: Buffer, ...options: string[]) =>
  execFileSync('lz4', ['-c', '-q', ...options], {input: bytes, maxBuffer: 64 * 1024 * 1024});

function unpack(packed: Buffer, pieceBytes = 64 * 1024, maxBytes = Number.POSITIVE_INFINITY): Buffer {
  const chunks: Buffer[] = [];
  let size = 0;
  const decoder = new Lz4Decoder(chunk => {
    size += chunk.length;
    if (size > maxBytes) throw new Error('more than the limit');
    chunks.push(Buffer.from(chunk));
  });
  for (let at = 0; at < packed.length; at += pieceBytes) decoder.push(packed.subarray(at, at + pieceBytes));
  decoder.end();
  return Buffer.concat(chunks);
}

for (const options of [
  ['-1'],
  ['-9'],
  ['-1', '-B4'],
  ['-9', '-B5', '-BD'],
  ['-1', '-B7', '-BX'],
  ['-3', '-B4', '-BD', '-BX'],
  ['-1', '--no-frame-crc'],
  ['-1', '--content-size'],
]) {
  test(`Lz4Decoder unpacks what lz4 ${options.join(' ')} packs`, t => {
    for (const size of [0, 1, 12, 70, 65_536, 300_001, 1_200_000]) {
      const bytes = sample(size);
      const packed = pack(bytes, ...options);
      t.true(unpack(packed).equals(bytes), `${size} bytes`);
      if (size <= 70) t.true(unpack(packed, 1).equals(bytes), `${size} bytes, byte by byte`);
      else t.true(unpack(packed, 997).equals(bytes), `${size} bytes in odd pieces`);
    }
  });
}

test('Lz4Decoder reads frames one after the other and skips what is to be skipped', t => {
  const [a, b] = [sample(100_000), sample(50)];
  const skippable = Buffer.concat([Buffer.from([0x53, 0x2a, 0x4d, 0x18, 5, 0, 0, 0]), Buffer.from('hello')]);
  t.true(unpack(Buffer.concat([pack(a), skippable, pack(b)]), 1000).equals(Buffer.concat([a, b])));
});

const whole = pack(sample(200_000), '-1', '-B4', '-BD', '-BX');
const cut = (bytes: Buffer, at: number, value: number) => {
  const copy = Buffer.from(bytes);
  copy[at] = value;
  return copy;
};

for (const [what, bytes, message] of [
  ['no data', Buffer.alloc(0), /no LZ4 frame/],
  ['other data', Buffer.from('Package: a\nVersion: 1\n'), /not an LZ4 frame/],
  ['a cut header', whole.subarray(0, 6), /ends too early/],
  ['a cut block', whole.subarray(0, whole.length - 1000), /ends too early/],
  ['a lost checksum', whole.subarray(0, whole.length - 4), /ends too early/],
  ['a lost end', whole.subarray(0, whole.length - 8), /ends too early/],
  ['a wrong header', cut(whole, 6, (whole[6] as number) ^ 1), /header is damaged/],
  ['a future version', cut(whole, 4, 0x80), /version 2/],
  ['a block that is too large', cut(whole, 10, 0x7f), /larger than the frame allows/],
  ['a flipped bit', cut(whole, 5000, (whole[5000] as number) ^ 4), /block is damaged/],
] as const) {
  test(`Lz4Decoder refuses ${what}`, t => {
    t.throws(() => unpack(bytes), {message});
  });
}

test('Lz4Decoder refuses or unpacks damaged data without checksums, and never more than its blocks allow', t => {
  const bytes = sample(30_000);
  const packed = pack(bytes, '-1', '-B4', '--no-frame-crc');
  const below = seeded(3);
  let refused = 0;
  for (let round = 0; round < 800; round++) {
    const damaged = mutated(packed, below);
    try {
      unpack(damaged, 4096, 1024 * 1024);
    } catch (error) {
      t.true(error instanceof Error && /LZ4|limit/.test(error.message), String(error));
      refused++;
    }
  }
  t.true(refused > 400);
});

test('Lz4Decoder notices every damage of data with checksums', t => {
  const bytes = sample(30_000);
  const packed = pack(bytes, '-1', '-B4', '-BX', '--content-size');
  const below = seeded(5);
  for (let round = 0; round < 300; round++) {
    const damaged = mutated(packed, below);
    try {
      t.true(unpack(damaged).equals(bytes));
    } catch (error) {
      t.true(error instanceof Error);
    }
  }
});

test('xxHash32() gives the published values', t => {
  t.is(xxHash32(Buffer.alloc(0)), 0x02cc5d05);
  t.is(xxHash32(Buffer.from('a')), 0x550d7456);
  t.is(xxHash32(Buffer.from('Nobody inspects the spammish repetition')), 0xe2293b2f);
});
