import {rmSync} from 'node:fs';
import test from 'ava';
import {encodeFrame} from '../../../agent/ipc/frames.ts';
import {type Clock, systemClock} from '../../../agent/link/clock.ts';
import {linkWorld} from '../../helpers/link-world.ts';
import {StubController} from '../../helpers/stub-controller.ts';
import {cable, proxyServer} from '../../helpers/tcp.ts';
import {eventually} from '../../helpers/waiting.ts';

test('a connection that went half-open is given up, and what was under way is sent again', async t => {
  const {agent, controller, enrol, startLink} = await linkWorld(t);
  enrol();
  const wire = await cable(t, controller.port);
  agent.place = {...controller.place, url: `wss://localhost:${wire.port}/agent`};
  startLink({times: {deadMs: 500}});
  agent.step('a');
  await eventually(() => controller.position?.n === 1, 'the first is stored');
  wire.freeze();
  agent.step('b');
  await agent.said.find(message => message.t === 'status' && message.problem?.code === 'SILENT');
  await eventually(() => controller.position?.n === 2, 'the second is stored');
  t.deepEqual(controller.applied, ['1:1 a', '1:2 b']);
  t.true(controller.peers.all.length >= 2);
});

test('an acknowledgement that was lost makes nothing apply twice', async t => {
  const {agent, controller, enrol, startLink} = await linkWorld(t);
  enrol();
  controller.onPeer = peer => {
    peer.said
      .find(({t}) => t === 'batch')
      .then(batch => {
        if (batch.t !== 'batch') return;
        peer.send = () => {};
        controller.store(peer, batch.b);
        controller.onPeer = null;
        peer.ws.terminate();
      });
    void controller.greet(peer);
  };
  startLink();
  agent.step('a');
  await agent.said.find(message => message.t === 'status' && message.acknowledged?.n === 1);
  t.deepEqual(controller.applied, ['1:1 a']);
  t.is(controller.peers.all.length, 2);
});

test('a clock that jumps changes no delay and loses nothing', async t => {
  const {agent, controller, enrol, startLink} = await linkWorld(t);
  enrol();
  let calls = 0;
  const tenYears = 10 * 365 * 24 * 3600 * 1000;
  const clock = {...systemClock, wall: () => Date.now() + (calls++ % 2 === 0 ? tenYears : -tenYears)};
  controller.welcome = {heartbeatMs: 1000};
  startLink({clock});
  for (const subject of ['a', 'b', 'c']) {
    agent.step(subject);
    await eventually(() => controller.applied.at(-1)?.endsWith(subject), `${subject} is stored`);
    controller.peers.all.at(-1)?.ws.close(1000);
  }
  t.deepEqual(controller.applied, ['1:1 a', '1:2 b', '1:3 c']);
  const beating = await eventually(
    () => controller.peers.all.find(peer => peer.said.all.some(message => message.t === 'heartbeat')),
    'heartbeats go on',
  );
  t.truthy(beating);
});

test('the clock of the controller is compared with ours', async t => {
  const {agent, controller, enrol, startLink} = await linkWorld(t);
  enrol();
  controller.welcome = {time: new Date(Date.now() - 3_600_000).toISOString()};
  startLink();
  const status = await agent.said.find(message => message.t === 'status' && message.clockSkewMs !== null);
  const skew = status.t === 'status' ? (status.clockSkewMs ?? 0) : 0;
  t.true(Math.abs(skew - 3_600_000) < 20_000, `${skew} ms`);
});

test('the link goes through a proxy', async t => {
  const {agent, controller, enrol, startLink} = await linkWorld(t);
  enrol();
  const proxy = await proxyServer(t);
  agent.place = {...controller.place, proxy: `http://127.0.0.1:${proxy.port}`};
  startLink();
  agent.step('a');
  await eventually(() => controller.position?.n === 1, 'the step is stored');
  t.deepEqual(proxy.asked, [`CONNECT localhost:${controller.port} HTTP/1.1`]);
});

test('a hello behind a proxy that ends TLS has the fixed marker, and is shown as degraded', async t => {
  const {agent, controller, enrol, startLink} = await linkWorld(t);
  enrol();
  agent.place = {...controller.place, tlsEndsAtProxy: true};
  startLink();
  const status = await agent.said.find(message => message.t === 'status' && message.connected);
  t.like(status, {degraded: true});
  t.is((await controller.peers.all[0]?.next('hello'))?.b.binding, 'proxy');
});

test('a full spool confirms nothing more, says so, and everything arrives once there is room', async t => {
  const {agent, controller, enrol, log, startLink} = await linkWorld(t);
  enrol();
  const {port} = controller;
  await controller.close();
  agent.batchSteps = 2;
  agent.padding = 4000;
  startLink({bounds: {soft: 10 * 1024 * 1024, hard: 256 * 1024}});
  agent.step(...Array.from({length: 120}, (_, n) => `s${n}`));
  await eventually(() => log.some(({data}) => data.code === 'SPOOL_FULL'), 'it is full');
  const confirmed = agent.said.all.findLast(message => message.t === 'next')?.after?.n ?? 0;
  t.true(confirmed > 20 && confirmed < 120, `${confirmed} were confirmed`);
  await controller.listen(port);
  await eventually(() => controller.position?.n === 120, 'all is stored');
  t.deepEqual(
    controller.applied,
    Array.from({length: 120}, (_, n) => `1:${n + 1} s${n}`),
  );
});

test('the link asks for no more above the soft bound, and goes on below it', async t => {
  const {agent, controller, enrol, startLink} = await linkWorld(t);
  enrol();
  const {port} = controller;
  await controller.close();
  agent.batchSteps = 1;
  agent.padding = 4000;
  startLink({bounds: {soft: 20_000, hard: 1024 * 1024}});
  agent.step(...Array.from({length: 40}, (_, n) => `s${n}`));
  const held = await agent.said.find(message => message.t === 'status' && message.spool.bytes >= 20_000);
  t.true(held.t === 'status' && held.spool.batches < 10);
  await controller.listen(port);
  await eventually(() => controller.position?.n === 40, 'all is stored');
  t.is(controller.applied.length, 40);
});

test('AgentSocket comes back after the agent went away, for as long as it takes', async t => {
  const {agent, controller, enrol, startLink} = await linkWorld(t);
  enrol();
  startLink();
  agent.step('a');
  await eventually(() => controller.position?.n === 1, 'the first is stored');
  await agent.close();
  await agent.listen();
  agent.step('b');
  await eventually(() => controller.position?.n === 2, 'the second is stored');
  t.is(controller.peers.all.length, 1);
});

for (const [title, bytes] of [
  ['a message that it does not know', encodeFrame({t: 'run', command: 'id'})],
  ['a message of another shape', encodeFrame({t: 'batch', epoch: 'x'})],
  ['what is no JSON', Buffer.from([0, 0, 0, 1, 123])],
  ['a frame that is too long', Buffer.from([0xff, 0xff, 0xff, 0xff])],
] as const)
  test(`AgentSocket ends at ${title}, and comes back`, async t => {
    const {agent, controller, enrol, startLink} = await linkWorld(t);
    enrol();
    startLink();
    await agent.said.find(message => message.t === 'status' && message.connected);
    agent.write(bytes);
    await eventually(() => agent.said.all.filter(message => message.t === 'ready').length === 2, 'it is back');
    agent.step('a');
    await eventually(() => controller.position?.n === 1, 'the step is stored');
    t.deepEqual(agent.refused, []);
  });

test('a batch that does not follow is not stored, and the agent is asked again', async t => {
  const {agent, controller, enrol, startLink} = await linkWorld(t);
  enrol();
  startLink();
  agent.step('a');
  await eventually(() => controller.position?.n === 1, 'the first is stored');
  const {payload, signature} = agent.seal([{n: 9, t: 'reset'}]);
  const [base64, signed] = [payload.toString('base64'), signature.toString('base64')];
  agent.send({t: 'batch', epoch: 1, from: 9, to: 9, payload: base64, signature: signed});
  await agent.said.find(message => message.t === 'status' && message.problem?.code === 'BATCH_REFUSED');
  agent.step('b');
  await eventually(() => controller.position?.n === 2, 'the second is stored');
  await agent.said.find(message => message.t === 'status' && message.acknowledged?.n === 2 && message.problem === null);
  t.deepEqual(controller.problems, []);
});

test('a host that was restored from a copy starts a stream above that of the controller', async t => {
  const {agent, controller, enrol, startLink} = await linkWorld(t);
  enrol();
  controller.position = {epoch: 5, n: 70};
  startLink();
  await eventually(() => controller.position?.epoch === 6, 'the new stream is stored');
  t.like(
    agent.said.all.find(message => message.t === 'resync'),
    {controllerAt: {epoch: 5, n: 70}},
  );
  t.deepEqual(controller.problems, []);
});

test('a controller that was restored from a copy gets a whole set in a new stream', async t => {
  const {agent, controller, enrol, startLink} = await linkWorld(t);
  enrol();
  startLink();
  agent.batchSteps = 1;
  agent.step('a', 'b', 'c');
  await agent.said.find(message => message.t === 'status' && message.acknowledged?.n === 3);
  controller.position = {epoch: 1, n: 1};
  controller.peers.all[0]?.ws.close(1000);
  await eventually(() => controller.position?.epoch === 2, 'the new stream is stored');
  t.is(controller.applied.at(-1), '2:1 reset');
  t.deepEqual(controller.problems, []);
});

test('a lost spool makes the agent begin anew, and nothing is applied twice', async t => {
  const {agent, controller, enrol, startLink, state} = await linkWorld(t);
  enrol();
  const link = startLink();
  agent.step('a', 'b');
  await agent.said.find(message => message.t === 'status' && message.acknowledged?.n === 2);
  link.stop();
  rmSync(`${state}/spool.db`);
  controller.joins = [];
  startLink();
  await eventually(() => controller.position?.epoch === 2, 'the new stream is stored');
  t.deepEqual(controller.applied, ['1:1 a', '1:2 b', '2:1 reset']);
});

test('a host that moves to another controller reports there, and its status is of the new one', async t => {
  const {agent, certificate, controller, enrol, startLink} = await linkWorld(t);
  enrol();
  startLink();
  agent.step('a');
  await eventually(() => controller.position?.n === 1, 'the step is stored');
  const other = new StubController(certificate);
  await other.listen();
  t.teardown(() => other.close());
  other.agent = agent.id;
  other.publicKey = agent.publicKey;
  agent.place = other.place;
  agent.setup();
  await eventually(() => other.position?.epoch === 2, 'the new stream is stored there');
  await controller.peers.all[0]?.closed;
  const last = await agent.said.find(message => message.t === 'status' && message.acknowledged?.epoch === 2);
  t.like(last, {connected: true});
  t.deepEqual(other.applied, ['2:1 reset']);
});

test('a controller that was away for an hour is not pestered, and gets all that was found meanwhile, once', async t => {
  const {agent, controller, enrol, startLink, log} = await linkWorld(t);
  enrol();
  const {port} = controller;
  await controller.close();
  const time = fastClock();
  let tries = 0;
  startLink({
    clock: time.clock,
    random: () => {
      tries++;
      return 0.5;
    },
  });
  agent.batchSteps = 1;
  for (let step = 1; step <= 60; step++) {
    agent.step(`at minute ${step}`);
    await eventually(() => time.clock.monotonic() >= step * 60_000, `minute ${step}`);
  }
  t.true(tries >= 8 && tries <= 60, `${tries} tries in an hour`);
  t.true(log.length < 40, `${log.length} lines of log in an hour`);
  time.slow();
  await controller.listen(port);
  await eventually(() => controller.position?.n === 60, 'all are stored');
  t.deepEqual(
    controller.applied,
    Array.from({length: 60}, (_, index) => `1:${index + 1} at minute ${index + 1}`),
  );
});

/** A clock on which a thousand seconds pass in one, until it is told to go as others do. */
function fastClock(): {clock: Clock; slow(): void} {
  let speed = 1000;
  let [at, last] = [0, performance.now()];
  const monotonic = () => {
    const now = performance.now();
    at += (now - last) * speed;
    last = now;
    return at;
  };
  return {
    clock: {...systemClock, monotonic, after: (ms, run) => systemClock.after(ms / speed, run)},
    slow() {
      monotonic();
      speed = 1;
    },
  };
}
