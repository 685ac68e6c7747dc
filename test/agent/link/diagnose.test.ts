import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import type {ControllerPlace, LinkStatus} from '../../../agent/ipc/link-messages.ts';
import {type DiagnoseRequest, diagnose, type StepResult, steps} from '../../../agent/link/diagnose/diagnose.ts';
import {now, StubController, testCertificate} from '../../helpers/stub-controller.ts';
import {proxyServer, tcpServer} from '../../helpers/tcp.ts';

async function results(request: DiagnoseRequest): Promise<{[step: string]: StepResult}> {
  const found: StepResult[] = [];
  for await (const result of diagnose(request)) found.push(result);
  return Object.fromEntries(found.map(result => [result.step, result]));
}

async function controllerOf(t: ExecutionContext, tls = {}): Promise<StubController> {
  const controller = new StubController(await testCertificate(), tls);
  await controller.listen();
  t.teardown(() => controller.close());
  controller.onPeer = peer =>
    peer.send({t: 'challenge', b: {nonce: Buffer.alloc(32).toString('base64'), fleet: controller.fleet, time: now()}});
  return controller;
}

const somewhere = (port: number): ControllerPlace => ({
  url: `wss://localhost:${port}/agent`,
  pins: ['0'.repeat(64)],
  fleet: '00000000-0000-4000-8000-000000000000',
  proxy: null,
  tlsEndsAtProxy: false,
});

const status: LinkStatus = {
  connected: false,
  since: now(),
  problem: null,
  nextTryAt: null,
  acknowledged: null,
  spool: {batches: 0, bytes: 0, oldestAt: null},
  clockSkewMs: null,
  degraded: false,
};

test('diagnose() finds nothing wrong with a good controller, and leaves nothing behind there', async t => {
  const controller = await controllerOf(t);
  const found = await results({place: controller.place, link: {...status, connected: true}});
  t.deepEqual(
    Object.values(found).map(({step, ok}) => [step, ok]),
    steps.map(step => [step, step === 'proxy' ? null : true]),
  );
  t.deepEqual(
    controller.peers.all.map(({said}) => said.all),
    [[]],
  );
});

test('diagnose() names a name that does not resolve', async t => {
  const {dns, tcp} = await results({place: {...somewhere(1), url: 'wss://no-such-name.invalid/agent'}});
  t.like(dns, {ok: false, wanted: 'an address for "no-such-name.invalid"'});
  t.is(tcp?.ok, null);
});

test('diagnose() names a port where nobody listens', async t => {
  const {tcp} = await results({place: somewhere(1)});
  t.like(tcp, {ok: false});
  t.regex(tcp?.found ?? '', /ECONNREFUSED/);
});

test('diagnose() names a proxy that refuses, with its status, and what is no proxy', async t => {
  const refusing = await tcpServer(t, socket => void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'));
  const refused = await results({place: {...somewhere(443), proxy: `http://127.0.0.1:${refusing.port}`}});
  t.like(refused.proxy, {ok: false});
  t.regex(refused.proxy?.found ?? '', /403 Forbidden/);
  const mail = await tcpServer(t, socket => void socket.end('220 mail.example ESMTP\r\n\r\n'));
  const none = await results({place: {...somewhere(443), proxy: `http://127.0.0.1:${mail.port}`}});
  t.regex(none.proxy?.found ?? '', /no HTTP proxy: "220 mail/);
});

test('diagnose() goes through a proxy', async t => {
  const [controller, proxy] = [await controllerOf(t), await proxyServer(t)];
  const found = await results({place: {...controller.place, proxy: `http://127.0.0.1:${proxy.port}`}});
  t.like(found.protocol, {ok: true});
  t.deepEqual(proxy.asked, [`CONNECT localhost:${controller.port} HTTP/1.1`]);
});

test('diagnose() names a peer without TLS 1.3, and one without TLS', async t => {
  const old = await controllerOf(t, {minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2'});
  t.like((await results({place: old.place})).tls, {ok: false, found: 'the peer knows no TLS 1.3'});
  const plain = createServer().listen(0, '127.0.0.1');
  await once(plain, 'listening');
  t.teardown(() => plain.close());
  const {tls} = await results({place: somewhere((plain.address() as AddressInfo).port)});
  t.like(tls, {ok: false});
  t.regex(tls?.found ?? '', /TLS was not agreed/);
});

test('diagnose() names another certificate by its pin', async t => {
  const controller = await controllerOf(t);
  const {pin, upgrade} = await results({place: {...controller.place, pins: ['0'.repeat(64)]}});
  t.like(pin, {ok: false, found: controller.place.pins[0], wanted: '0'.repeat(64)});
  t.is(upgrade?.ok, null);
});

test('diagnose() names a server that is no controller', async t => {
  const controller = await controllerOf(t);
  controller.onRequest = (_request, socket) => {
    socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
    return true;
  };
  const {upgrade} = await results({place: controller.place});
  t.like(upgrade, {ok: false, found: 'status 404 found, 101 of a controller of reeve wanted'});
});

test('diagnose() names a controller of another fleet, and one that speaks otherwise', async t => {
  const controller = await controllerOf(t);
  const other = {...controller.place, fleet: '00000000-0000-4000-8000-000000000000'};
  t.like((await results({place: other})).protocol, {ok: false, found: `fleet ${controller.fleet}`});
  controller.onPeer = peer => peer.ws.send('{"v":2}');
  t.like((await results({place: controller.place})).protocol, {ok: false, found: 'v is 1'});
});

test('diagnose() says by how much the clocks differ', async t => {
  const controller = await controllerOf(t);
  controller.onPeer = peer => {
    const time = new Date(Date.now() + 3_600_000).toISOString();
    peer.send({t: 'challenge', b: {nonce: Buffer.alloc(32).toString('base64'), fleet: controller.fleet, time}});
  };
  const {clock} = await results({place: controller.place});
  t.is(clock?.ok, false);
  t.regex(clock?.found ?? '', /^this host is 3(600|599)\.\d s behind the controller$/);
});

for (const [code, cure] of [
  ['HOST_UNKNOWN', /enrol again/],
  ['HOST_FROZEN', /two machines/],
  ['UNAUTHENTICATED', /enrol again/],
  ['VERSION', /versions of reeve/],
] as const)
  test(`diagnose() says what to do about ${code}, which the running link was told`, async t => {
    const controller = await controllerOf(t);
    const problem = {code, message: 'the controller refused', at: now()};
    const {hello} = await results({place: controller.place, link: {...status, problem}});
    t.like(hello, {ok: false, found: `the controller refused [${code}]`});
    t.regex(hello?.cure ?? '', cure);
  });

const program = fileURLToPath(new URL('../../../agent/link/main.ts', import.meta.url));

async function run(input: string): Promise<{status: number | null; out: string; err: string}> {
  const child = spawn(process.execPath, ['--disallow-code-generation-from-strings', program, '--diagnose']);
  let [out, err] = ['', ''];
  child.stdout.on('data', chunk => {
    out += chunk;
  });
  child.stderr.on('data', chunk => {
    err += chunk;
  });
  child.stdin.end(input);
  const [exitStatus] = await once(child, 'close');
  return {status: exitStatus, out, err};
}

test('reeve link --diagnose prints a line of JSON a step', async t => {
  const controller = await controllerOf(t);
  const {status: exitStatus, out} = await run(JSON.stringify({place: controller.place}));
  const lines = out
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
  t.deepEqual(
    lines.map(({step}) => step),
    [...steps],
  );
  t.is(exitStatus, 0);
});

test('reeve link --diagnose refuses what is no place', async t => {
  const {status: exitStatus, out, err} = await run('{"place":{}}');
  t.deepEqual([exitStatus, out], [2, '']);
  t.regex(err, /a place is wanted/);
});
