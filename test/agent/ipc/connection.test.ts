import {once} from 'node:events';
import {createConnection, createServer, type Socket} from 'node:net';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {Connection, type ConnectionLimits} from '../../../agent/ipc/connection.ts';
import {encodeFrame, FrameReader} from '../../../agent/ipc/frames.ts';
import {scratch} from '../../helpers/agent.ts';

const limits: ConnectionLimits = {maxBytes: 1000, stallMs: 100, burst: 5, perSecond: 1000};

/** Both ends of a socket, one of them as a `Connection`; `taken` is what it handed on. */
async function pair(
  t: ExecutionContext,
  more: Partial<ConnectionLimits> = {},
  answer: ((value: unknown) => unknown) | null = null,
) {
  const path = join(scratch(t), 'socket');
  const server = createServer().listen(path);
  await once(server, 'listening');
  const client = createConnection(path);
  const [socket] = (await once(server, 'connection')) as [Socket];
  t.teardown(() => {
    client.destroy();
    socket.destroy();
    server.close();
  });
  const taken: unknown[] = [];
  const connection: Connection = new Connection(socket, {...limits, ...more}, value => {
    taken.push(value);
    if (answer !== null) connection.send(answer(value));
  });
  return {client, connection, taken};
}

test('Connection ends with a peer that stops in the middle of a message, and waits for one between messages', async t => {
  const {client, connection, taken} = await pair(t);
  client.write(encodeFrame({whole: 1}));
  await new Promise(resolve => setTimeout(resolve, 3 * limits.stallMs));
  t.true(connection.isOpen);
  client.write(encodeFrame({half: 1}).subarray(0, 6));
  t.is(await connection.closed, 'the peer stalled in the middle of a message');
  t.deepEqual(taken, [{whole: 1}]);
});

test('Connection ends with a peer that does not read', async t => {
  const {client, connection} = await pair(t);
  client.pause();
  for (let count = 0; count < 20; count++) connection.send('x'.repeat(500_000));
  t.is(await connection.closed, 'the peer stalled in the middle of a message');
});

test('Connection hands on nothing while the peer leaves answers unread, and all of it once it reads', async t => {
  const {client, taken} = await pair(t, {stallMs: 60_000, burst: 1000}, () => 'x'.repeat(100_000));
  client.pause();
  for (let count = 0; count < 100; count++) client.write(encodeFrame(count));
  await new Promise(resolve => setTimeout(resolve, 300));
  t.true(taken.length < 50, `${taken.length} were handed on`);
  const reader = new FrameReader();
  let answers = 0;
  client.on('data', chunk => {
    const read = reader.push(chunk);
    if (read.ok) answers += read.values.length;
  });
  client.resume();
  while (answers < 100) await once(client, 'data');
  t.deepEqual(
    taken,
    Array.from({length: 100}, (_, index) => index),
  );
});

test('Connection lets a peer be ahead of its rate by a burst, and takes the rest in time', async t => {
  const {client, taken} = await pair(t, {burst: 5, perSecond: 50});
  const started = performance.now();
  client.write(Buffer.concat(Array.from({length: 15}, (_, index) => encodeFrame(index))));
  while (taken.length < 15) await new Promise(resolve => setTimeout(resolve, 5));
  t.true(performance.now() - started >= 190, 'ten beyond the burst take 200 ms at least');
});

test('FrameReader gives messages whole, however they were cut', t => {
  const bytes = Buffer.concat([encodeFrame({a: 'ü'}), encodeFrame([]), encodeFrame('x'.repeat(300))]);
  for (const size of [1, 2, 3, 7, bytes.length]) {
    const reader = new FrameReader(1000);
    const values: unknown[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      const read = reader.push(bytes.subarray(at, at + size));
      if (read.ok) values.push(...read.values);
    }
    t.deepEqual(values, [{a: 'ü'}, [], 'x'.repeat(300)]);
    t.false(reader.isInFrame);
  }
});
