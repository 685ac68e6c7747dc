import {createHash} from 'node:crypto';
import {zstdCompressSync} from 'node:zlib';
import test from 'ava';
import {packDocument} from '../../../controller/protocol/codec.ts';
import type {FromHost} from '../../../controller/protocol/messages.ts';
import {testController} from '../../helpers/controller.ts';
import {Dialled, ReeveHost} from '../../helpers/reeve-host.ts';

type Document = Extract<FromHost, {t: 'document'}>['b'];

function rules(title: string): {digest: string; document: Document} {
  const packs = [{name: 'base', version: '1', title, digest: ''}];
  const plain = Buffer.from(JSON.stringify({v: 1, packs, rules: []}));
  return documentOf(plain);
}

function documentOf(plain: Buffer, frame = packDocument(plain)): {digest: string; document: Document} {
  const digest = createHash('sha256').update(plain).digest('hex');
  return {digest, document: {kind: 'rules', digest, bytes: plain.length, body: frame.toString('base64')}};
}

function beat(host: ReeveHost, link: Dialled, digest: string): void {
  const spool = {batches: 0, bytes: 0};
  const documents = {rules: digest};
  const time = new Date().toISOString();
  link.send({t: 'heartbeat', b: {at: host.position, digest: host.digest, documents, checkedAt: {}, spool, time}});
}

test('a document is wanted by the first host that has it, and by no other', async t => {
  const controller = await testController(t);
  const token = await controller.token(2);
  const {digest, document} = rules('Base');
  const {host, link: enrolled} = await ReeveHost.connected(controller.place, token);
  await enrolled.end();
  const link = await Dialled.open(controller.place);
  t.deepEqual((await host.hello(link, {documents: {rules: digest}})).want, [digest]);
  link.send({t: 'document', b: document});
  t.deepEqual((await link.next('kept')).documents, [digest]);
  const {body} = await controller.ask('GET', `/api/v1/hosts/${host.agent}`);
  t.is((body as {packs: Array<{title: string}>}).packs[0]?.title, 'Base');

  const {host: other, link: second} = await ReeveHost.connected(controller.place, token, 'other');
  beat(other, second, digest);
  t.deepEqual((await second.next('kept')).documents, [digest]);
  const {body: detail} = await controller.ask('GET', `/api/v1/hosts/${other.agent}`);
  t.is((detail as {packs: Array<{title: string}>}).packs[0]?.title, 'Base');
});

test('a document that a heartbeat names and nobody sent yet is taken', async t => {
  const controller = await testController(t);
  const {host, link} = await ReeveHost.connected(controller.place, await controller.token());
  const {digest, document} = rules('New');
  beat(host, link, digest);
  link.send({t: 'document', b: document});
  t.deepEqual((await link.next('kept')).documents, [digest]);
});

test('a document that nobody wants is not kept, however right it is', async t => {
  const controller = await testController(t);
  const {host, link} = await ReeveHost.connected(controller.place, await controller.token());
  const {digest, document} = rules('Unwanted');
  link.send({t: 'document', b: document});
  await link.next('kept');
  beat(host, link, digest);
  await host.report(link, {t: 'reset'}, {t: 'settled'});
  t.false(
    link.messages.some(message => message.t === 'kept'),
    'the heartbeat hears nothing, for it is not there',
  );
});

test('a document of another digest, size or shape, too large, or a bomb ends the connection', async t => {
  const controller = await testController(t);
  const {host, link} = await ReeveHost.connected(controller.place, await controller.token());
  await link.end();
  const right = rules('Right');
  const large = Buffer.alloc(5 * 1024 * 1024, 0x20);
  const hostile: Array<[string, Document, string]> = [
    ['another digest', {...right.document, digest: 'a'.repeat(64)}, 'PROTOCOL'],
    ['another size', {...right.document, bytes: 3}, 'PROTOCOL'],
    ['another kind', {...right.document, kind: 'inventory'}, 'PROTOCOL'],
    ['another shape', documentOf(Buffer.from('{"v":1}')).document, 'PROTOCOL'],
    ['no zstd', {...right.document, body: 'AAAA'}, 'TOO_LARGE'],
    ['too large', documentOf(large).document, 'TOO_LARGE'],
    [
      'a bomb',
      {...right.document, body: zstdCompressSync(Buffer.alloc(100 * 1024 * 1024)).toString('base64')},
      'TOO_LARGE',
    ],
  ];
  for (const [title, document, code] of hostile) {
    const {link: next} = await host.connect();
    const {kind, digest} = document;
    next.send({
      t: 'heartbeat',
      b: {
        at: host.position,
        digest: host.digest,
        documents: {[kind]: digest},
        checkedAt: {},
        spool: {batches: 0, bytes: 0},
        time: new Date().toISOString(),
      },
    });
    next.send({t: 'document', b: document});
    t.is((await next.closed).code, code, title);
  }
});
