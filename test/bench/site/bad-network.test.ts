import {once} from 'node:events';
import {type AddressInfo, connect, createServer, type Socket} from 'node:net';
import test from 'ava';
import {BadNetwork} from '../../../bench/site/bad-network.ts';

/** Unlike `once()`, whatever error came before. */
const closed = (socket: Socket) => new Promise(resolve => socket.once('close', resolve));

test('BadNetwork passes bytes on, keeps them while stalled, and ends connections when cut', async t => {
  const echo = createServer(socket => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const network = await BadNetwork.start({host: '127.0.0.1', port: (echo.address() as AddressInfo).port});
  t.teardown(async () => {
    await network.close();
    echo.close();
  });

  const socket = connect(network.port, '127.0.0.1').on('error', () => {});
  let heard = '';
  socket.setEncoding('utf8').on('data', text => {
    heard += text;
  });
  socket.write('one ');
  await once(socket, 'data');
  network.set('stalled');
  socket.write('two ');
  const other = connect(network.port, '127.0.0.1').on('error', () => {});
  await once(other, 'connect');
  t.is(heard, 'one ', 'a new connection came through meanwhile, the bytes did not');
  network.set('open');
  await once(socket, 'data');
  network.set('slow');
  socket.write('three ');
  await once(socket, 'data');
  t.is(heard, 'one two three ');

  network.set('cut');
  await Promise.all([closed(socket), closed(other)]);
  const refused = connect(network.port, '127.0.0.1').on('error', () => {});
  await closed(refused);
  t.is(heard, 'one two three ');
});
