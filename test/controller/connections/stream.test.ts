import {zstdCompressSync} from 'node:zlib';
import test, {type ExecutionContext} from 'ava';
import {batchType} from '../../../controller/protocol/batch.ts';
import {preAuthEncoding, rawPublicKey, rotateBytes, signEd25519} from '../../../controller/protocol/signing.ts';
import {type TestController, testController} from '../../helpers/controller.ts';
import {Dialled, ReeveHost, type Step, wireFinding} from '../../helpers/reeve-host.ts';

const set = (rule: string, verdict: 'pass' | 'fail' = 'pass'): Step => ({set: wireFinding(rule, verdict)});
const whole = (...steps: Step[]): Step[] => [{t: 'reset'}, ...steps, {t: 'settled'}];

type Change = {rule: string; n: number; epoch: number; before: string | null; after: string | null};

async function started(t: ExecutionContext) {
  const controller = await testController(t);
  const {host, link} = await ReeveHost.connected(controller.place, await controller.token());
  return {controller, host, link};
}

async function changesOf(controller: TestController): Promise<Change[]> {
  const {body} = await controller.ask('GET', '/api/v1/changes?limit=500');
  return (body as {changes: Change[]}).changes.map(({rule, n, epoch, before, after}) => ({
    rule,
    n,
    epoch,
    before,
    after,
  }));
}

async function verdictsOf(controller: TestController): Promise<{[rule: string]: string}> {
  const {body} = await controller.ask('GET', '/api/v1/findings?limit=500');
  const {findings} = body as {findings: Array<{finding: {rule: string; verdict: string}}>};
  return Object.fromEntries(findings.map(({finding}) => [finding.rule, finding.verdict]));
}

test('a batch is acknowledged once it is stored, and what it says can be read', async t => {
  const {controller, host, link} = await started(t);
  const ack = await host.report(link, ...whole(set('a'), set('b', 'fail')));
  t.deepEqual(ack, {epoch: 1, n: 4});
  t.deepEqual(await verdictsOf(controller), {a: 'pass', b: 'fail'});
  await link.end();
  t.deepEqual((await host.connect()).welcome.ack, {epoch: 1, n: 4});
});

test('a batch that comes twice is acknowledged twice and applied once', async t => {
  const {controller, host, link} = await started(t);
  await host.report(link, ...whole(set('a')));
  const sealed = host.seal(host.steps(set('a', 'fail')));
  host.send(link, sealed);
  host.send(link, sealed);
  t.deepEqual(await link.next('ack'), {epoch: 1, n: 4});
  t.deepEqual(await link.next('ack'), {epoch: 1, n: 4});
  const changes = await changesOf(controller);
  t.deepEqual(
    changes.filter(({n}) => n === 4),
    [{rule: 'a', n: 4, epoch: 1, before: 'pass', after: 'fail'}],
  );
});

test('of a batch that overlaps with what is stored, the new steps alone are applied', async t => {
  const {controller, host, link} = await started(t);
  await host.report(link, ...whole(set('a')));
  const first = host.steps(set('a', 'fail'), set('a', 'pass'));
  host.send(link, host.seal(first));
  await link.next('ack');
  host.send(link, host.seal([...first, ...host.steps(set('b'))]));
  t.deepEqual(await link.next('ack'), {epoch: 1, n: 6});
  t.deepEqual((await changesOf(controller)).map(({rule, n}) => `${rule} ${n}`).sort(), ['a 2', 'a 4', 'a 5', 'b 6']);
});

test('a batch that does not follow on what is stored is a hole, and the next welcome says from where to go on', async t => {
  const {host, link} = await started(t);
  await host.report(link, ...whole(set('a')));
  host.steps(set('b'));
  host.send(link, host.seal(host.steps(set('c'))));
  const {close, code} = await link.closed;
  t.deepEqual({close, code}, {close: 4014, code: 'STREAM_HOLE'});
  const {welcome} = await host.connect();
  t.deepEqual(welcome.ack, {epoch: 1, n: 3});
});

test('numbers without a step were overtaken, and a gap is kept', async t => {
  const {controller, host, link} = await started(t);
  await host.report(link, ...whole(set('a')));
  const from = host.n + 1;
  host.n += 5;
  const items = host.steps({gap: 5}, set('a', 'fail'));
  host.send(link, host.seal(items, {from}));
  t.deepEqual(await link.next('ack'), {epoch: 1, n: 10});
  const {body} = await controller.ask('GET', `/api/v1/hosts/${host.agent}`);
  t.is((body as {gaps: Array<{count: number}>}).gaps[0]?.count, 5);
});

test('a new epoch begins with reset at 1 and takes the place of the old stream, without changes where nothing changed', async t => {
  const {controller, host, link} = await started(t);
  await host.report(link, ...whole(set('a'), set('b')));
  const before = await changesOf(controller);
  host.epoch = 7;
  host.n = 0;
  host.findings.clear();
  t.deepEqual(await host.report(link, ...whole(set('a'))), {epoch: 7, n: 3});
  t.deepEqual(await verdictsOf(controller), {a: 'pass'});
  const fresh = (await changesOf(controller)).slice(0, -before.length);
  t.deepEqual(fresh, [{rule: 'b', n: 3, epoch: 7, before: 'pass', after: null}]);

  host.epoch = 6;
  host.n = 0;
  host.send(link, host.seal(host.steps(...whole())));
  const {close, code} = await link.closed;
  t.deepEqual({close, code}, {close: 4015, code: 'STREAM_REPLAYED'});
});

test('a new epoch that does not begin with reset at 1 is refused', async t => {
  const {host, link} = await started(t);
  host.send(link, host.seal(host.steps(set('a'))));
  t.is((await link.closed).code, 'PROTOCOL');
  const {link: second} = await host.connect();
  host.n = 4;
  host.send(second, host.seal(host.steps({t: 'reset'})));
  t.is((await second.closed).code, 'STREAM_HOLE');
});

test('a whole set in several batches, with a connection lost between, ends what it did not name', async t => {
  const {controller, host, link} = await started(t);
  await host.report(link, ...whole(set('a'), set('b'), set('c')));
  host.findings.clear();
  await host.report(link, {t: 'reset'}, set('a', 'fail'));
  await link.end();
  const {link: second} = await host.connect();
  t.deepEqual(await verdictsOf(controller), {a: 'fail', b: 'pass', c: 'pass'}, 'nothing goes before it is settled');
  await host.report(second, set('d'), {t: 'settled'});
  t.deepEqual(await verdictsOf(controller), {a: 'fail', d: 'pass'});
  const gone = (await changesOf(controller)).filter(({after}) => after === null);
  t.deepEqual(gone.map(({rule}) => rule).sort(), ['b', 'c'], 'two changes of one step');
});

test('a verdict keeps the time since when it stands, while other parts of its finding change', async t => {
  const {controller, host, link} = await started(t);
  const at = (time: string) => ({at: time});
  const send = async (items: ReturnType<ReeveHost['steps']>, time: string) => {
    host.send(link, host.seal(items, at(time)));
    await link.next('ack');
  };
  await send(host.steps(...whole(set('a', 'fail'))), '2026-01-01T00:00:00Z');
  await send(host.steps({set: {...wireFinding('a', 'fail'), actual: {mode: '0777'}}}), '2026-01-02T00:00:00Z');
  const {body} = await controller.ask('GET', '/api/v1/findings');
  const [found] = (body as {findings: Array<{since: string; observedAt: string}>}).findings;
  t.is(found?.since, '2026-01-01T00:00:00.000Z');
  t.is(found?.observedAt, '2026-01-02T00:00:00.000Z');
  t.is((await changesOf(controller)).length, 2, 'another body is a change');
  await send(host.steps({set: {...wireFinding('a', 'fail'), actual: {mode: '0777'}}}), '2026-01-03T00:00:00Z');
  t.is((await changesOf(controller)).length, 2, 'the same finding again is none');
});

test('a batch that was changed under way, or is of another key, is refused before it is opened', async t => {
  const {controller, host, link} = await started(t);
  const sealed = host.seal(host.steps(...whole(set('a'))));
  sealed.payload[sealed.payload.length - 3] = (sealed.payload.at(-3) as number) ^ 1;
  host.send(link, sealed);
  t.is((await link.closed).code, 'UNAUTHENTICATED');

  const other = new ReeveHost(controller.place);
  Object.assign(other, {agent: host.agent});
  const {link: second} = await host.connect();
  host.send(second, other.seal(other.steps(...whole(set('a')))));
  t.is((await second.closed).code, 'UNAUTHENTICATED');
  t.deepEqual(await verdictsOf(controller), {});
});

test('a batch that names another host, or other numbers than its envelope, is refused', async t => {
  const {host, link} = await started(t);
  const items = host.steps(...whole(set('a')));
  host.send(link, host.seal(items, {agent: '00000000-0000-4000-8000-000000000000'}));
  t.is((await link.closed).code, 'PROTOCOL');
  const {link: second} = await host.connect();
  host.send(second, {...host.seal(items), to: 4});
  t.is((await second.closed).code, 'PROTOCOL');
});

/** Signed by the host's own key: what a host that was taken over can do. */
function signed(host: ReeveHost, plain: Buffer) {
  const payload = zstdCompressSync(plain);
  const signature = signEd25519(preAuthEncoding(batchType, payload), host.key);
  return {epoch: 1, from: 1, to: 2, payload, signature};
}

test('a batch that is a zstd bomb, too deep, too long, or no JSON is refused, and no other host is disturbed', async t => {
  const {controller, host} = await started(t);
  const {host: calm, link: calmLink} = await ReeveHost.connected(controller.place, await controller.token(), 'calm');
  const items = Array.from({length: 1001}, (_, index) => ({n: index + 1, t: 'reset'}));
  const long = {v: 1, agent: host.agent, epoch: 1, from: 1, to: 1001, at: '2026-11-21T10:00:00Z', items};
  const hostile: Array<[string, Buffer, string]> = [
    ['bomb', Buffer.alloc(200 * 1024 * 1024), 'TOO_LARGE'],
    ['deep', Buffer.from(`${'['.repeat(50_000)}${']'.repeat(50_000)}`), 'PROTOCOL'],
    ['long', Buffer.from(JSON.stringify(long)), 'PROTOCOL'],
    ['no JSON', Buffer.from('{"v":1,'), 'PROTOCOL'],
  ];
  await calm.report(calmLink, {t: 'reset'}, {t: 'settled'});
  for (const [title, plain, code] of hostile) {
    const {link} = await host.connect();
    const sealed = {...signed(host, plain), to: title === 'long' ? 1001 : 2};
    host.send(link, sealed);
    t.is((await link.closed).code, code, title);
    await calm.report(calmLink, set(title));
  }
});

test('more batches under way than the window ends the connection, and what was acknowledged stays', async t => {
  const {host, link} = await started(t);
  await host.report(link, {t: 'reset'}, {t: 'settled'});
  for (let count = 0; count < 60; count++) host.send(link, host.seal(host.steps(set(`r${count}`))));
  const {code} = await link.closed;
  t.is(code, 'BUSY');
  const {welcome} = await host.connect();
  t.true((welcome.ack?.n ?? 0) >= 2);
});

test('a finding that is longer than its limit is refused', async t => {
  const {host, link} = await started(t);
  host.send(
    link,
    host.seal(host.steps({t: 'reset'}, {set: {...wireFinding('a'), reason: 'x'.repeat(4096), cure: 'y'.repeat(4096)}})),
  );
  t.is((await link.closed).code, 'TOO_LARGE');
});

test('a heartbeat with another digest at the same position asks for the whole set, once in ten minutes', async t => {
  const {controller, host, link} = await started(t);
  await host.report(link, ...whole(set('a')));
  const beat = (digest: string, at = host.position) =>
    link.send({
      t: 'heartbeat',
      b: {
        at,
        digest,
        documents: {},
        checkedAt: {base: '2026-11-21T10:00:00Z'},
        spool: {batches: 0, bytes: 0},
        time: new Date(Date.now() + 60_000).toISOString(),
      },
    });
  beat(host.digest);
  beat('a'.repeat(64), {epoch: 1, n: 99});
  await host.report(link, set('b'));
  t.false(link.messages.some(message => message.t === 'resync'));
  beat('a'.repeat(64));
  await link.next('resync');
  beat('a'.repeat(64));
  await host.report(link, set('c'));
  t.false(link.messages.some(message => message.t === 'resync'));
  await link.end();
  await controller.stop();
  const after = await testController(t, () => {}, controller.state);
  const {body} = await after.ask('GET', '/api/v1/hosts');
  const [info] = (body as {hosts: Array<{checkedAt: unknown; clockSkewMs: number}>}).hosts;
  t.deepEqual(info?.checkedAt, {base: '2026-11-21T10:00:00Z'});
  t.true(Math.abs((info?.clockSkewMs ?? 0) - 60_000) < 30_000);
});

test('rotate replaces the key when both keys signed; batches sealed before it are still taken', async t => {
  const {host, link} = await started(t);
  await host.report(link, {t: 'reset'}, {t: 'settled'});
  const next = new ReeveHost(host.place);
  const [oldKey, newKey] = [rawPublicKey(host.publicKey), rawPublicKey(next.publicKey)];
  const claim = rotateBytes({fleet: host.place.fleet, agent: host.agent, oldKey, newKey, nonce: link.nonce});
  const sign = (of: ReeveHost) => signEd25519(claim, of.key).toString('base64');
  const sealedBefore = host.seal(host.steps(set('a')));
  const publicKey = newKey.toString('base64');
  link.send({t: 'rotate', b: {publicKey, signature: sign(host), newSignature: sign(next)}});
  t.is((await link.next('rotated')).publicKey, publicKey);
  await link.end();

  const refused = await Dialled.open(host.place);
  refused.send({t: 'hello', b: host.helloOf(refused)});
  t.is((await refused.closed).code, 'UNAUTHENTICATED', 'the old key says no hello any more');
  Object.assign(host, {key: next.key, publicKey: next.publicKey});
  const {link: second} = await host.connect();
  host.send(second, sealedBefore);
  t.deepEqual(await second.next('ack'), {epoch: 1, n: 3});
  t.deepEqual(await host.report(second, set('b')), {epoch: 1, n: 4});

  const wrong = new ReeveHost(host.place);
  second.send({
    t: 'rotate',
    b: {publicKey: rawPublicKey(wrong.publicKey).toString('base64'), signature: sign(host), newSignature: sign(wrong)},
  });
  t.is((await second.closed).code, 'UNAUTHENTICATED');
});
