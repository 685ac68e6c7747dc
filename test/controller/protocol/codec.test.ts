import {generateKeyPairSync} from 'node:crypto';
import {zstdCompressSync} from 'node:zlib';
import test from 'ava';
import type {Batch} from '../../../controller/protocol/batch.ts';
import {batchType} from '../../../controller/protocol/batch.ts';
import {closeCodes} from '../../../controller/protocol/close-codes.ts';
import {
  decodeMessage,
  decompress,
  encodeMessage,
  openBatch,
  packDocument,
  parseJson,
  type SealedBatch,
  sealBatch,
} from '../../../controller/protocol/codec.ts';
import {limits} from '../../../controller/protocol/limits.ts';
import {fromController, fromHost} from '../../../controller/protocol/messages.ts';
import {preAuthEncoding, signEd25519} from '../../../controller/protocol/signing.ts';
import {mutated, seeded} from '../../helpers/random.ts';

const {privateKey, publicKey} = generateKeyPairSync('ed25519');
const agent = '01934f2a-0000-7000-8000-000000000001';
const finding = {
  rule: 'ssh.root-login',
  pack: 'linux-baseline',
  severity: 'high' as const,
  subject: 'sshd',
  verdict: 'fail' as const,
  expected: {PermitRootLogin: 'no'},
  actual: {PermitRootLogin: 'yes'},
};
const batchOf = (change: Partial<Batch> = {}): Batch => ({
  v: 1,
  agent,
  epoch: 7,
  from: 3,
  to: 5,
  at: '2026-11-21T10:00:00.000Z',
  items: [
    {n: 3, t: 'set', f: finding},
    {n: 5, t: 'gone', rule: 'a.b', subject: 'c'},
  ],
  ...change,
});
/** Signs any bytes as a batch, as a host that means harm can. */
const forge = (plain: string | Buffer, envelope = {epoch: 7, from: 3, to: 5}): SealedBatch => {
  const payload = zstdCompressSync(Buffer.from(plain));
  return {...envelope, payload, signature: signEd25519(preAuthEncoding(batchType, payload), privateKey)};
};

test('openBatch() gives back what sealBatch() was given', t => {
  const opened = openBatch(sealBatch(batchOf(), privateKey), agent, publicKey);
  t.deepEqual(opened, {ok: true, value: batchOf()});
});

test('openBatch() checks the signature before anything is decompressed', t => {
  const sealed = sealBatch(batchOf(), privateKey);
  for (const field of ['payload', 'signature'] as const) {
    const bytes = Buffer.from(sealed[field]);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    t.like(openBatch({...sealed, [field]: bytes}, agent, publicKey), {ok: false, code: 'UNAUTHENTICATED'}, field);
  }
  const other = generateKeyPairSync('ed25519').publicKey;
  t.like(openBatch(sealed, agent, other), {ok: false, code: 'UNAUTHENTICATED'});
});

test('openBatch() refuses what a host with a right key must not say', t => {
  const rows: Array<[string, SealedBatch, string]> = [
    ['another host', sealBatch(batchOf({agent: agent.replace('1', '2')}), privateKey), 'PROTOCOL'],
    ['another envelope', {...sealBatch(batchOf(), privateKey), from: 4}, 'PROTOCOL'],
    ['another epoch', {...sealBatch(batchOf(), privateKey), epoch: 8}, 'PROTOCOL'],
    ['an unknown key', forge(JSON.stringify({...batchOf(), extra: 1})), 'PROTOCOL'],
    ['no JSON', forge('{'), 'PROTOCOL'],
    [
      'a number twice',
      forge(JSON.stringify(batchOf({items: [3, 3].map(n => ({n, t: 'reset' as const}))}))),
      'PROTOCOL',
    ],
    ['a number outside', forge(JSON.stringify(batchOf({items: [{n: 6, t: 'reset'}]}))), 'PROTOCOL'],
    [
      'numbers backwards',
      forge(JSON.stringify(batchOf({from: 5, to: 3, items: []})), {epoch: 7, from: 5, to: 3}),
      'PROTOCOL',
    ],
    ['the number 0', forge(JSON.stringify(batchOf({from: 0, items: []})), {epoch: 7, from: 0, to: 5}), 'PROTOCOL'],
    ['deep JSON', forge(`${'['.repeat(50)}${']'.repeat(50)}`), 'PROTOCOL'],
    ['a bomb', forge(Buffer.alloc(limits.batch + 1, 0x20)), 'TOO_LARGE'],
    [
      'no zstd',
      {
        ...forge(''),
        payload: Buffer.from('x'),
        signature: signEd25519(preAuthEncoding(batchType, Buffer.from('x')), privateKey),
      },
      'TOO_LARGE',
    ],
  ];
  for (const [what, sealed, code] of rows) t.like(openBatch(sealed, agent, publicKey), {ok: false, code}, what);
});

test('sealBatch() refuses to make a batch that no controller would take', t => {
  const long = {...finding, cure: 'x'.repeat(4000)};
  const items = Array.from({length: 400}, (_, index) => ({n: index + 1, t: 'set' as const, f: long}));
  t.throws(() => sealBatch(batchOf({from: 1, to: 400, items}), privateKey), {instanceOf: RangeError});
});

test('decodeMessage() gives the messages of its side and refuses all else', t => {
  const welcome = {t: 'ack', b: {epoch: 1, n: 2}};
  t.deepEqual(decodeMessage(fromController, encodeMessage(welcome)), {ok: true, value: welcome} as never);
  const wrong: Array<[string, string]> = [
    ['', 'PROTOCOL'],
    ['[]', 'PROTOCOL'],
    ['null', 'PROTOCOL'],
    ['{"v":2,"t":"ack","b":{"epoch":1,"n":2}}', 'PROTOCOL'],
    ['{"v":1,"t":"toString","b":{}}', 'PROTOCOL'],
    ['{"v":1,"t":"__proto__","b":{}}', 'PROTOCOL'],
    ['{"v":1,"t":"hello","b":{}}', 'PROTOCOL'],
    ['{"v":1,"t":"ack"}', 'PROTOCOL'],
    ['{"v":1,"t":"ack","b":{"epoch":-1,"n":2}}', 'PROTOCOL'],
    ['{"v":1,"t":"ack","b":{"epoch":1.5,"n":2}}', 'PROTOCOL'],
    [`{"v":1,"t":"ack","b":${'{"a":'.repeat(20)}1${'}'.repeat(20)}}`, 'PROTOCOL'],
    [' '.repeat(limits.frame + 1), 'TOO_LARGE'],
  ];
  for (const [text, code] of wrong) t.like(decodeMessage(fromController, text), {ok: false, code}, text.slice(0, 60));
});

test('decodeMessage() ignores fields that a newer peer may add', t => {
  const text = '{"v":1,"t":"ack","b":{"epoch":1,"n":2,"later":true},"id":"x"}';
  t.true(decodeMessage(fromController, text).ok);
});

test('decodeMessage() never throws, whatever the bytes', t => {
  const below = seeded(20261121);
  const signature = `${'A'.repeat(86)}==`;
  const seed = encodeMessage({t: 'batch', b: {epoch: 1, from: 1, to: 1, payload: 'AAAA', signature}});
  t.true(decodeMessage(fromHost, seed).ok);
  let refused = 0;
  for (let round = 0; round < 20_000; round++) {
    const decoded = decodeMessage(fromHost, mutated(Buffer.from(seed), below).toString('latin1'));
    if (decoded.ok) continue;
    refused++;
    if (!Object.hasOwn(closeCodes, decoded.code)) t.fail(decoded.code);
  }
  t.true(refused > 15_000, `${refused} of 20,000 were refused`);
});

test('parseJson() counts depth outside strings alone', t => {
  t.deepEqual(parseJson('{"a":"[[[[[[[[[[[[[[[[[[[["}'), {a: '[[[[[[[[[[[[[[[[[[[['});
  t.deepEqual(parseJson('{"a":"\\"[[[[[[[[[[[[[["}'), {a: '"[[[[[[[[[[[[[['});
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  t.not(parseJson(nested(limits.depth)), undefined);
  t.is(parseJson(nested(limits.depth + 1)), undefined);
});

test('decompress() stops at its limit', t => {
  const bytes = packDocument(Buffer.alloc(1000, 1));
  t.is(decompress(bytes, 1000)?.length, 1000);
  t.is(decompress(bytes, 999), null);
  t.is(decompress(Buffer.from('not zstd'), 1000), null);
});

test('close codes are distinct and in the private range of RFC 6455', t => {
  const codes = Object.values(closeCodes).map(({close}) => close);
  t.is(new Set(codes).size, codes.length);
  t.true(codes.every(code => code >= 4000 && code <= 4999));
});
