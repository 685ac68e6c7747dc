import {once} from 'node:events';
import {createServer} from 'node:http';
import type {AddressInfo, Socket} from 'node:net';
import {join} from 'node:path';
import test from 'ava';
import WebSocket, {WebSocketServer} from 'ws';
import {Hub} from '../../../controller/connections/hub.ts';
import {Wire} from '../../../controller/connections/wire.ts';
import {limits} from '../../../controller/protocol/limits.ts';
import {openStore} from '../../../controller/store/open.ts';
import {temporaryFolder} from '../../helpers/controller.ts';

test('a connection is not read while the writer has more to do than it gets done, and is again when that is over', async t => {
  const store = await openStore(join(await temporaryFolder(t), 'controller.db'), () => {});
  const queue = {items: 0, requests: 0};
  const hub = new Hub({
    store: {...store, queue: () => queue},
    fleet: await store.fleet(),
    log: () => {},
    limits: {admissionPerSecond: 1, enrolsPerSecond: 1, resyncsPerSecond: 1},
    allowTlsAtProxy: false,
  });
  const server = createServer();
  const webSockets = new WebSocketServer({server});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    server.close();
    await hub.drain();
    await store.close();
  });
  const accepted = once(webSockets, 'connection') as Promise<[WebSocket]>;
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await once(client, 'open');
  const [ws] = await accepted;
  const heard: string[] = [];
  const wire = new Wire(hub, ws, 'test', {onText: text => heard.push(text), onFlood() {}, onClosed() {}});

  hub.pauseIfBusy(wire);
  t.false(ws.isPaused);
  for (const busy of [{items: 5_000}, {requests: 512}]) {
    Object.assign(queue, {items: 0, requests: 0}, busy);
    hub.pauseIfBusy(wire);
    t.true(ws.isPaused);
    client.send('held');
    hub.resumeIfCalm();
    t.true(ws.isPaused, 'half of it is still waiting');
    Object.assign(queue, {items: 2_500, requests: 256});
    const message = once(ws, 'message');
    hub.resumeIfCalm();
    t.false(ws.isPaused);
    await message;
  }
  t.deepEqual(heard, ['held', 'held']);
  client.terminate();
  await wire.closed;
});

test('Wire ends a connection whose peer does not read, before much more than the limit waits', async t => {
  const store = await openStore(join(await temporaryFolder(t), 'controller.db'), () => {});
  const hub = new Hub({
    store,
    fleet: await store.fleet(),
    log: () => {},
    limits: {admissionPerSecond: 1, enrolsPerSecond: 1, resyncsPerSecond: 1},
    allowTlsAtProxy: false,
  });
  const server = createServer();
  const webSockets = new WebSocketServer({server});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    server.close();
    await hub.drain();
    await store.close();
  });
  const accepted = once(webSockets, 'connection') as Promise<[WebSocket]>;
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await once(client, 'open');
  const [ws] = await accepted;
  (client as unknown as {_socket: Socket})._socket.pause();
  const wire = new Wire(hub, ws, 'test', {onText() {}, onFlood() {}, onClosed() {}});
  let waited = 0;
  for (let count = 0; !wire.isEnded && count < 100_000; count++) {
    wire.send({t: 'resync', b: {reason: 'x'.repeat(200)}});
    waited = Math.max(waited, ws.bufferedAmount);
    if (count % 1000 === 0) await new Promise(resolve => setImmediate(resolve));
  }
  await wire.closed;
  t.true(waited > limits.sendHard);
  t.true(waited < limits.sendHard + 1024);
  t.is(hub.counters().refused.SLOW, 1);
});
