import {randomBytes} from 'node:crypto';
import {connect} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {startTls} from '../../../agent/link/connection/tls.ts';
import {upgrade} from '../../../agent/link/connection/upgrade.ts';
import {type CloseName, closeCodes} from '../../../controller/protocol/close-codes.ts';
import {decodeMessage, encodeMessage} from '../../../controller/protocol/codec.ts';
import {limits} from '../../../controller/protocol/limits.ts';
import {fromController} from '../../../controller/protocol/messages.ts';
import {linkWorld, type World} from '../../helpers/link-world.ts';
import {mutated, seeded} from '../../helpers/random.ts';
import {now, type Peer, StubController} from '../../helpers/stub-controller.ts';
import {tcpServer} from '../../helpers/tcp.ts';
import {eventually} from '../../helpers/waiting.ts';

/** A link that was welcomed by a controller which the test drives from there on. */
async function welcomed(t: ExecutionContext): Promise<World & {peer: Peer}> {
  const world = await linkWorld(t);
  world.enrol();
  world.controller.onPeer = peer => void world.controller.greet(peer).catch(() => {});
  world.startLink({random: () => 1});
  await world.agent.said.find(message => message.t === 'status' && message.connected);
  return {...world, peer: world.controller.peers.all[0] as Peer};
}

/** All that a link may ever say to an agent without an open enrolment. */
const harmless = ['ready', 'next', 'sign', 'status', 'resync', 'wantDocument'];

function nothingButHarmless(t: ExecutionContext, {agent}: World): void {
  t.deepEqual(
    agent.said.all.filter(message => !harmless.includes(message.t)),
    [],
  );
  t.deepEqual(agent.refused, []);
}

const nonce = randomBytes(32).toString('base64');
const text = (t: string, b: unknown) => encodeMessage({t, b});

for (const [title, frame, close] of [
  ['an unknown message', text('run', {command: 'id'}), 'PROTOCOL'],
  ['a name that every object has', text('constructor', {}), 'PROTOCOL'],
  [
    'a second challenge',
    text('challenge', {nonce, fleet: '00000000-0000-4000-8000-000000000000', time: now()}),
    'PROTOCOL',
  ],
  [
    'an "enrolled" that nobody asked for',
    text('enrolled', {agent: '00000000-0000-4000-8000-000000000000'}),
    'PROTOCOL',
  ],
  ['a "rotated" that nobody asked for', text('rotated', {publicKey: nonce}), 'PROTOCOL'],
  ['an acknowledgement of what was not sent', text('ack', {epoch: 1, n: 99}), 'PROTOCOL'],
  ['an acknowledgement of another epoch', text('ack', {epoch: 7, n: 0}), 'PROTOCOL'],
  ['an acknowledgement that is no position', text('ack', {epoch: -1, n: 1e300}), 'PROTOCOL'],
  ['a binary frame', Buffer.from(text('heartbeat', {time: now()})), 'PROTOCOL'],
  ['no JSON', '{"v":1', 'PROTOCOL'],
  ['another version', '{"v":2,"t":"heartbeat","b":{}}', 'PROTOCOL'],
  ['deep nesting', `{"v":1,"t":"heartbeat","b":${'['.repeat(100)}${']'.repeat(100)}}`, 'PROTOCOL'],
] as const)
  test(`Session ends with ${close} at ${title}`, async t => {
    const world = await welcomed(t);
    world.peer.ws.send(frame);
    t.is(await world.peer.closed, closeCodes[close].close);
    nothingButHarmless(t, world);
  });

test('Session ends at an acknowledgement that takes one back', async t => {
  const {agent, controller, peer} = await welcomed(t);
  agent.step('a');
  controller.store(peer, (await peer.next('batch')).b);
  await agent.said.find(message => message.t === 'status' && message.acknowledged?.n === 1);
  peer.send({t: 'ack', b: {epoch: 1, n: 0}});
  t.is(await peer.closed, closeCodes.PROTOCOL.close);
});

test('Session ends at a frame over the limit, without reading it whole', async t => {
  const world = await welcomed(t);
  world.peer.ws.send(text('heartbeat', {time: now(), more: 'x'.repeat(limits.frame)}));
  t.is(await world.peer.closed, 1009);
});

test('Session ends at a message in endless fragments', async t => {
  const world = await welcomed(t);
  for (let n = 0; n < 100; n++) world.peer.ws.send('x', {fin: false});
  t.is(await world.peer.closed, 1008);
});

test('Session ends at a compressed frame, since no compression was agreed', async t => {
  const world = await welcomed(t);
  (world.peer.ws as unknown as {_socket: {write(bytes: Buffer): void}})._socket.write(Buffer.from([0xc1, 1, 0]));
  t.is(await world.peer.closed, 1002);
});

for (const [title, flood] of [
  ['messages', (peer: Peer) => peer.ws.send(text('heartbeat', {time: now()}))],
  ['pings', (peer: Peer) => peer.ws.ping(Buffer.alloc(125))],
] as const)
  test(`Session ends at a flood of ${title}`, async t => {
    const world = await welcomed(t);
    for (let n = 0; n < 5000; n++) flood(world.peer);
    await world.peer.closed;
    t.true(world.peer.pongs <= 1000, `${world.peer.pongs} pongs`);
    await world.agent.said.find(message => message.t === 'status' && message.problem?.code === 'BUSY');
    nothingButHarmless(t, world);
  });

test('a flood of resync reaches the agent once a minute at most', async t => {
  const world = await welcomed(t);
  for (let n = 0; n < 200; n++) world.peer.send({t: 'resync', b: {reason: 'again'}});
  world.peer.ws.ping();
  await eventually(() => world.peer.pongs === 1, 'all of it was read');
  t.is(world.agent.said.all.filter(message => message.t === 'resync').length, 1);
});

test('a controller that says at each welcome that it has nothing makes the agent begin anew once a minute at most', async t => {
  const {agent, controller, peer} = await welcomed(t);
  agent.step('a');
  controller.store(peer, (await peer.next('batch')).b);
  await agent.said.find(message => message.t === 'status' && message.acknowledged?.n === 1);
  controller.position = null;
  peer.ws.close(1000);
  await eventually(() => agent.epoch === 2, 'the agent began anew');
  const second = await controller.peers.find(other => other !== peer);
  controller.store(second, (await second.next('batch')).b);
  await agent.said.find(message => message.t === 'status' && message.acknowledged?.epoch === 2);
  controller.position = null;
  second.ws.close(1000);
  await agent.said.find(message => message.t === 'status' && message.problem?.code === 'BUSY');
  t.is(agent.epoch, 2);
});

test('documents that nobody named are not looked for, and named ones are sent once', async t => {
  const world = await linkWorld(t);
  world.enrol();
  world.controller.welcome = {want: Array.from({length: 8}, () => randomBytes(32).toString('hex'))};
  world.startLink();
  await world.agent.said.find(message => message.t === 'status' && message.connected);
  world.agent.step('a');
  await eventually(() => world.controller.position?.n === 1, 'the step is stored');
  t.false(world.agent.said.all.some(message => message.t === 'wantDocument'));
});

test('BatchSender holds what is under way to the window when nothing is acknowledged', async t => {
  const {agent, peer} = await welcomed(t);
  agent.batchSteps = 1;
  agent.step(...Array.from({length: 30}, (_, n) => `s${n}`));
  await agent.said.find(message => message.t === 'next' && message.after?.n === 30);
  peer.ws.ping();
  await eventually(() => peer.pongs === 1, 'the link answers');
  t.deepEqual(peer.said.all.filter(({t}) => t === 'batch').length, limits.windowBatches);
});

test('BatchSender holds what is under way to the bytes of the window', async t => {
  const {agent, peer} = await welcomed(t);
  agent.batchSteps = 40;
  agent.padding = 4000;
  agent.step(...Array.from({length: 600}, (_, n) => `s${n}`));
  await agent.said.find(message => message.t === 'next' && message.after?.n === 600);
  peer.ws.ping();
  await eventually(() => peer.pongs === 1, 'the link answers');
  const bytes = peer.said.all.map(message =>
    message.t === 'batch' ? Buffer.from(message.b.payload, 'base64').length : 0,
  );
  t.true(Math.max(...bytes) > 50_000);
  t.true(bytes.reduce((sum, one) => sum + one, 0) <= limits.windowBytes);
});

test('a controller that never greets is given up', async t => {
  const world = await linkWorld(t);
  world.enrol();
  world.controller.onPeer = () => {};
  world.startLink({times: {greetingMs: 100}, random: () => 1});
  await world.agent.said.find(message => message.t === 'status' && message.problem?.code === 'SILENT');
  t.false(world.agent.said.all.some(message => message.t === 'sign'));
});

for (const [name, {close, retry}] of Object.entries(closeCodes) as Array<[CloseName, {close: number; retry: boolean}]>)
  test(`a close with ${name} is said in status, and tried again ${retry ? 'soon' : 'at the longest delay'}`, async t => {
    const {agent, peer} = await welcomed(t);
    peer.ws.close(close, name);
    const status = await agent.said.find(message => message.t === 'status' && message.problem?.code === name);
    const at = status.t === 'status' && status.nextTryAt !== null ? Date.parse(status.nextTryAt) - Date.now() : 0;
    t.is(at > 200_000, !retry);
  });

test('what an error says is shown without what a terminal would obey', async t => {
  const {agent, peer} = await welcomed(t);
  peer.send({t: 'error', b: {code: 'UNAVAILABLE', message: '\u001b[2Jfull', retryAfterMs: 3_600_000}});
  const status = await agent.said.find(message => message.t === 'status' && message.problem?.code === 'UNAVAILABLE');
  t.like(status, {problem: {message: 'the controller refused: ?[2Jfull'}});
});

test('nothing is said to a controller with another certificate', async t => {
  const world = await linkWorld(t);
  world.enrol();
  let requests = 0;
  world.controller.onRequest = () => ++requests < 0;
  world.agent.place = {...world.controller.place, pins: ['0'.repeat(64)]};
  world.startLink({random: () => 1});
  const status = await world.agent.said.find(message => message.t === 'status' && message.problem !== null);
  t.like(status, {problem: {code: 'PIN_MISMATCH'}});
  t.is(requests, 0);
  nothingButHarmless(t, world);
});

test('nothing is said to a controller without TLS 1.3', async t => {
  const world = await linkWorld(t);
  const old = new StubController(world.certificate, {minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2'});
  await old.listen();
  t.teardown(() => old.close());
  world.agent.place = old.place;
  world.startLink({random: () => 1});
  const status = await world.agent.said.find(message => message.t === 'status' && message.problem !== null);
  t.like(status, {problem: {code: 'TLS_TOO_OLD'}});
  t.is(old.connections, 0);
});

for (const [title, answer, code] of [
  ['a redirect', 'HTTP/1.1 302 Found\r\nLocation: wss://elsewhere.example/agent\r\n\r\n', 'NOT_A_CONTROLLER'],
  ['an endless header', `HTTP/1.1 101 Switching Protocols\r\nX: ${'x'.repeat(100_000)}`, 'NOT_A_CONTROLLER'],
  ['a body instead of an upgrade', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', 'NOT_A_CONTROLLER'],
  ['503', 'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n', 'BUSY'],
  ['503 for ages', 'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 999999999\r\n\r\n', 'BUSY'],
] as const)
  test(`upgrade() does not follow ${title}`, async t => {
    const world = await linkWorld(t);
    world.enrol();
    world.controller.onRequest = (_request, socket) => {
      socket.write(answer);
      return true;
    };
    world.startLink({random: () => 1});
    const status = await world.agent.said.find(message => message.t === 'status' && message.nextTryAt !== null);
    t.like(status, {problem: {code}});
    const waits = status.t === 'status' ? Date.parse(status.nextTryAt ?? '') - Date.now() : 0;
    t.true(waits < 3_601_000 && (code !== 'BUSY' || waits > 60_000), `${waits} ms`);
  });

test('upgrade() gives a server up that answers a byte at a time', async t => {
  const world = await linkWorld(t);
  world.controller.onRequest = (_request, socket) => {
    const timer = setInterval(() => socket.write('H'), 20);
    socket.on('close', () => clearInterval(timer)).on('error', () => {});
    return true;
  };
  const socket = connect(world.controller.port, '127.0.0.1');
  const secure = await startTls(socket, 'localhost', 10_000);
  const error = await t.throwsAsync(upgrade(world.controller.place.url, secure, 200));
  t.like(error, {code: 'NOT_A_CONTROLLER'});
  t.true(socket.destroyed);
});

test('startTls() gives a peer up that takes the connection and says nothing', async t => {
  const {port} = await tcpServer(t, () => {});
  const socket = connect(port, '127.0.0.1');
  await t.throwsAsync(startTls(socket, 'localhost', 100), {code: 'TLS_TIMEOUT'});
  t.true(socket.destroyed);
});

test('decodeMessage() takes any bytes for a message or a refusal, and never throws', t => {
  const below = seeded(11);
  const messages = [
    text('welcome', {
      ack: null,
      want: ['0'.repeat(64)],
      join: 'j',
      heartbeatMs: 1000,
      spreadMs: 0,
      windowBatches: 8,
      time: now(),
    }),
    text('challenge', {nonce, fleet: '00000000-0000-4000-8000-000000000000', time: now()}),
    text('ack', {epoch: 1, n: 5}),
    text('error', {code: 'BUSY', message: 'm', retryAfterMs: 5}),
  ].map(message => Buffer.from(message));
  let taken = 0;
  for (let round = 0; round < 20_000; round++) {
    const bytes = mutated(messages[round % messages.length] as Buffer, below);
    if (decodeMessage(fromController, bytes.toString('utf8')).ok) taken++;
  }
  t.true(taken > 100 && taken < 19_000, `${taken} taken`);
});
