import {once} from 'node:events';
import {connect, type Socket} from 'node:net';
import {connect as connectTls} from 'node:tls';
import test, {type ExecutionContext} from 'ava';
import type WebSocket from 'ws';
import {decodeMessage} from '../../../controller/protocol/codec.ts';
import {limits} from '../../../controller/protocol/limits.ts';
import {fromHost} from '../../../controller/protocol/messages.ts';
import {testController} from '../../helpers/controller.ts';
import {mutated, seeded} from '../../helpers/random.ts';
import {Dialled, dialTls, type Place, ReeveHost, wireFinding} from '../../helpers/reeve-host.ts';

/** A controller, and a host that goes on reporting whatever others do: each `calm()` is a batch, acknowledged. */
async function withCalmHost(t: ExecutionContext, change?: Parameters<typeof testController>[1]) {
  const controller = await testController(t, change);
  const {host, link} = await ReeveHost.connected(controller.place, await controller.token(), 'calm');
  await host.report(link, {t: 'reset'}, {t: 'settled'});
  let count = 0;
  const calm = () => host.report(link, {set: wireFinding(`calm.${count++}`)});
  const metric = async (name: string): Promise<number> => {
    const {body} = await controller.ask('GET', '/metrics');
    const line = (body as string).split('\n').find(text => text.startsWith(name));
    return Number(line?.split(' ').at(-1));
  };
  return {controller, calm, metric};
}

type Upgrade = {status: number; headers: string};

/** Writes a request on TLS as it is, and reads the head of the answer. */
async function upgrade(place: Place, lines: string[]): Promise<Upgrade> {
  const socket = await dialTls(place);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  const [data] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  const headers = data.toString('latin1');
  return {status: Number(headers.split(' ')[1]), headers};
}

const request = (change: {[name: string]: string | null} = {}, line = 'GET /agent HTTP/1.1'): string[] => {
  const headers = {
    Host: 'controller',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Protocol': 'reeve.v1',
    ...change,
  };
  return [line, ...Object.entries(headers).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`]))];
};

test('the upgrade is for /agent alone, without Origin, in version 13, with reeve.v1, without extensions', async t => {
  const {place} = await testController(t);
  t.is((await upgrade(place, request({}, 'GET /agent/ HTTP/1.1'))).status, 404);
  t.is((await upgrade(place, request({}, 'GET /agent?x=1 HTTP/1.1'))).status, 404);
  t.is((await upgrade(place, request({}, 'POST /agent HTTP/1.1'))).status, 405);
  t.is((await upgrade(place, request({Origin: 'https://evil.example'}))).status, 403);
  t.is((await upgrade(place, request({'Sec-WebSocket-Version': '8'}))).status, 426);
  t.is((await upgrade(place, request({'Sec-WebSocket-Protocol': null}))).status, 400);
  t.is((await upgrade(place, request({'Sec-WebSocket-Protocol': 'reeve.v2'}))).status, 400);
  t.is((await upgrade(place, request({Upgrade: null, Connection: 'close'}))).status, 426);
  const right = await upgrade(
    place,
    request({'Sec-WebSocket-Protocol': 'reeve.v2, reeve.v1', 'Sec-WebSocket-Extensions': 'permessage-deflate'}),
  );
  t.is(right.status, 101);
  t.regex(right.headers, /^Sec-WebSocket-Protocol: reeve\.v1\r$/m);
  t.notRegex(right.headers, /Sec-WebSocket-Extensions/i);
});

test('TLS 1.2 is refused, and no session is resumed', async t => {
  const {place} = await testController(t);
  const {hostname: host, port} = new URL(place.url);
  const old = connectTls({host, port: Number(port), maxVersion: 'TLSv1.2', rejectUnauthorized: false});
  await t.throwsAsync(once(old, 'secureConnect'), {message: /protocol version|handshake/});
  const first = await Dialled.open(place);
  const session = first.socket.getSession();
  const again = connectTls({host, port: Number(port), rejectUnauthorized: false, ...(session && {session})});
  await once(again, 'secureConnect');
  t.false(again.isSessionReused());
  again.destroy();
  await first.end();
});

test('upgrades beyond the rate are told to come back, each at another time', async t => {
  const {place} = await testController(t, config => {
    config.limits.admissionPerSecond = 2;
  });
  const answers = await Promise.all(Array.from({length: 30}, () => upgrade(place, request())));
  const refused = answers.filter(({status}) => status === 503);
  t.true(refused.length >= 10, `${refused.length} of 30 were refused`);
  const times = new Set(refused.map(({headers}) => /^Retry-After: (\d+)\r$/m.exec(headers)?.[1]));
  t.false(times.has(undefined));
  t.true(times.size > 1);
});

const frames: Array<[title: string, send: (ws: WebSocket) => void, close: number]> = [
  ['an oversized frame', ws => ws.send('x'.repeat(limits.frame + 1)), 1009],
  ['a frame that is no JSON', ws => ws.send('{"v":1,'), 4000],
  ['a frame of another version', ws => ws.send('{"v":2,"t":"hello","b":{}}'), 4000],
  ['a frame that is nested too deep', ws => ws.send('['.repeat(100_000)), 4000],
  ['an unknown message', ws => ws.send('{"v":1,"t":"run","b":{}}'), 4000],
  ['a message named like a method of objects', ws => ws.send('{"v":1,"t":"__proto__","b":{}}'), 4000],
  ['a message of the controller', ws => ws.send('{"v":1,"t":"drain","b":{"afterMs":1}}'), 4000],
  ['a body of another shape', ws => ws.send('{"v":1,"t":"hello","b":{"agent":1}}'), 4000],
  ['a binary frame', ws => ws.send(Buffer.from('{"v":1}')), 4000],
  ['an empty frame', ws => ws.send(''), 4000],
  ['an endless message in fragments', ws => sendFragments(ws, 100), 1008],
];

function sendFragments(ws: WebSocket, count: number): void {
  for (let index = 0; index < count; index++) ws.send('x', {fin: false});
}

test('what is no message of reeve.v1 ends its connection with a code, and disturbs nobody', async t => {
  const {controller, calm} = await withCalmHost(t);
  for (const [title, send, close] of frames) {
    const stranger = await Dialled.open(controller.place);
    send(stranger.ws);
    t.is((await stranger.closed).close, close, `${title}, of a stranger`);
    const {link} = await ReeveHost.connected(controller.place, await controller.token(), 'hostile');
    send(link.ws);
    t.is((await link.closed).close, close, `${title}, of a host`);
    await calm();
  }
});

test('a frame that is compressed, not masked, of an unknown kind, or cut ends the connection', async t => {
  const {controller, calm} = await withCalmHost(t);
  const raw: Array<[title: string, bytes: number[]]> = [
    ['compressed', [0xc1, 0x81, 0, 0, 0, 0, 0x61]],
    ['not masked', [0x81, 0x01, 0x61]],
    ['reserved kind', [0x83, 0x81, 0, 0, 0, 0, 0x61]],
    ['no UTF-8', [0x81, 0x81, 0, 0, 0, 0, 0xff]],
    ['a length of 2^62', [0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['a ping of 126 bytes', [0x89, 0xfe, 0, 126, 0, 0, 0, 0]],
  ];
  for (const [title, bytes] of raw) {
    const link = await Dialled.open(controller.place);
    link.socket.write(Buffer.from(bytes));
    t.true([1002, 1006, 1007, 1009].includes((await link.closed).close), title);
  }
  await calm();
});

test('max_connections bounds the sockets of hosts and strangers together, and the ones that are in go on', async t => {
  const {controller, calm, metric} = await withCalmHost(t, config => {
    config.limits.maxConnections = 2;
  });
  const second = await Dialled.open(controller.place);
  await t.throwsAsync(dialTls(controller.place));
  t.is(await metric('reeve_connections_evicted_total'), 1);
  await t.notThrowsAsync(calm());
  second.ws.terminate();
  await second.closed;
});

test('who says nothing after the upgrade is ended, and one that sends a byte at a time as well', async t => {
  const {controller, calm} = await withCalmHost(t);
  const silent = await Dialled.open(controller.place);
  const slow = await Dialled.open(controller.place);
  const trickle = setInterval(() => slow.socket.write(Buffer.from([0x81])), 100);
  slow.socket.write(Buffer.from([0x81, 0xfe, 0x10, 0x00]));
  t.teardown(() => clearInterval(trickle));
  await calm();
  t.is((await silent.closed).code, 'SLOW');
  t.is((await slow.closed).code, 'SLOW');
  await calm();
});

test('thousands of half-open handshakes are bounded, go by themselves, and let hosts through', async t => {
  const {controller, calm, metric} = await withCalmHost(t, config => {
    config.limits.maxStrangers = 300;
    config.limits.maxStrangersPerAddress = 200;
  });
  const {hostname: host, port} = new URL(controller.place.url);
  const sockets: Socket[] = [];
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy();
  });
  const open = async (localAddress: string) => {
    const socket = connect({host, port: Number(port), localAddress});
    socket.on('error', () => {});
    sockets.push(socket);
    await once(socket, 'connect');
    // The first bytes of a ClientHello, then nothing.
    socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]));
  };
  for (let round = 0; round < 20; round++) {
    await Promise.all(Array.from({length: 100}, () => open(`127.0.0.${2 + (round % 4)}`)));
    if (round % 5 === 0) await calm();
  }
  t.is(sockets.length, 2000);
  t.true((await metric('reeve_connections_unknown')) <= 300);
  await calm();
  await t.notThrowsAsync(async () => {
    for (let tries = 0; tries < 100; tries++) {
      try {
        return await ReeveHost.connected(controller.place, await controller.token(), 'late');
      } catch {
        await new Promise(resolve => setTimeout(resolve, 200));
      }
    }
    throw new Error('no host was let through');
  });
  await Promise.all(sockets.map(socket => (socket.closed ? null : once(socket, 'close'))));
  await calm();
});

test('a flood of messages and pings is read no faster than a host may speak, and no other host waits for it', async t => {
  const {controller, calm, metric} = await withCalmHost(t);
  const {host, link} = await ReeveHost.connected(controller.place, await controller.token(), 'loud');
  const beat = JSON.stringify({
    v: 1,
    t: 'heartbeat',
    b: {
      at: host.position,
      digest: '0'.repeat(64),
      documents: {},
      checkedAt: {},
      spool: {batches: 0, bytes: 0},
      time: '2026-11-21T10:00:00Z',
    },
  });
  for (let count = 0; count < 20_000; count++) {
    link.ws.send(beat);
    link.ws.ping();
  }
  for (let count = 0; count < 10; count++) await calm();
  const read = await metric('reeve_messages_total{type="heartbeat"}');
  t.true(read < 15_000, `${read} of 20000 were read while ten batches were stored`);
  link.ws.terminate();
  await calm();
});

test('a host that does not read what it is sent is not kept for ever', async t => {
  const {controller, calm} = await withCalmHost(t);
  const {link} = await ReeveHost.connected(controller.place, await controller.token(), 'deaf');
  link.socket.pause();
  const document = JSON.stringify({
    v: 1,
    t: 'document',
    b: {kind: 'rules', digest: 'a'.repeat(64), bytes: 1, body: 'AAAA'},
  });
  for (let count = 0; count < 5_000; count++) link.ws.send(document);
  await calm();
  t.true(controller.log.every(({level}) => level !== 'error'));
  link.ws.terminate();
});

test('decodeMessage() and a controller take any mutation of a right message without an error of their own', async t => {
  const {controller, calm} = await withCalmHost(t);
  const host = new ReeveHost(controller.place);
  host.agent = '00000000-0000-4000-8000-000000000000';
  const model = await Dialled.open(controller.place);
  const right = JSON.stringify({v: 1, t: 'hello', b: host.helloOf(model)});
  await model.end();
  t.true(decodeMessage(fromHost, right).ok);
  const below = seeded(20_261_121);
  const next = () => mutated(Buffer.from(right), below).toString('utf8');
  for (let count = 0; count < 5_000; count++) t.notThrows(() => decodeMessage(fromHost, next()));
  for (let round = 0; round < 10; round++) {
    const links = await Promise.all(Array.from({length: 10}, () => Dialled.open(controller.place)));
    for (const link of links) link.ws.send(next());
    for (const {closed} of links) t.true((await closed).close >= 4000);
  }
  await calm();
  t.true(controller.log.every(({level}) => level !== 'error'));
});

test('a host that sends full batches as fast as it may is slowed down, and no other host waits for it', async t => {
  const {controller, calm, metric} = await withCalmHost(t);
  const {host, link} = await ReeveHost.connected(controller.place, await controller.token(), 'greedy');
  await host.report(link, {t: 'reset'}, {t: 'settled'});
  const steps = Array.from({length: 1000}, (_, index) => ({set: wireFinding('greedy', 'pass', `/${index}`)}));
  let calmReports = 0;
  let isOver = false;
  const greedy = (async () => {
    for (let under = 0, count = 0; count < 32; count++) {
      host.send(link, host.seal(host.steps(...steps)));
      if (++under < 8) continue;
      await link.next('ack');
      under--;
    }
    isOver = true;
  })();
  while (!isOver) {
    await calm();
    calmReports++;
  }
  await greedy;
  // Eight of its batches are under way, so another host's waits for eight at most.
  t.true(calmReports >= 32 / 8, `${calmReports} reports of another host came between`);
  t.true((await metric('reeve_steps_total')) >= 24_000);
});
