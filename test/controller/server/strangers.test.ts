import {once} from 'node:events';
import {type AddressInfo, connect, createServer, type Socket} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {limits} from '../../../controller/protocol/limits.ts';
import {type StrangerLimits, Strangers, socketId} from '../../../controller/server/strangers.ts';

/** Real sockets from several addresses of loopback, and a clock of the test. */
async function strangersWith(t: ExecutionContext, stranger: Partial<StrangerLimits>) {
  let now = 0;
  let evicted = 0;
  const all = {maxConnections: 100, maxStrangers: 100, maxStrangersPerAddress: 100, ...stranger};
  const strangers = new Strangers(
    all,
    () => now,
    () => {
      evicted++;
    },
  );
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const clients: Socket[] = [];
  t.teardown(() => {
    for (const client of clients) client.destroy();
    server.close();
  });
  return {
    strangers,
    evicted: () => evicted,
    wait: (ms: number) => {
      now += ms;
    },
    async arrive(address: number): Promise<{admitted: boolean; socket: Socket}> {
      const {port} = server.address() as AddressInfo;
      const client = connect({host: '127.0.0.1', port, localAddress: `127.0.0.${address}`});
      client.on('error', () => {});
      clients.push(client);
      const [socket] = (await once(server, 'connection')) as [Socket];
      socket.on('error', () => {});
      return {admitted: strangers.admit(socket), socket};
    },
  };
}

test('Strangers ends the oldest of an address that has too many, and of all when there are too many', async t => {
  const {arrive, strangers, wait} = await strangersWith(t, {maxStrangers: 3, maxStrangersPerAddress: 2});
  const [first, second] = [await arrive(1), await arrive(1)];
  wait(2_000);
  t.true((await arrive(1)).admitted);
  t.true(first.socket.destroyed);
  t.false(second.socket.destroyed);
  t.true((await arrive(2)).admitted);
  t.true((await arrive(3)).admitted, 'the oldest of all makes room');
  t.true(second.socket.destroyed);
  t.is(strangers.size, 3);
});

test('Strangers ends the new one while all that are there are young', async t => {
  const {arrive, strangers, evicted} = await strangersWith(t, {maxStrangers: 2});
  const [first, second] = [await arrive(1), await arrive(2)];
  t.false((await arrive(3)).admitted);
  t.false(first.socket.destroyed || second.socket.destroyed);
  t.is(strangers.size, 2);
  t.is(evicted(), 1);
});

test('Strangers forgets who said who it is, and counts its socket until it is closed', async t => {
  const {arrive, strangers} = await strangersWith(t, {maxStrangers: 1, maxConnections: 2});
  const first = await arrive(1);
  strangers.forget(socketId(first.socket));
  t.true((await arrive(1)).admitted);
  t.is(strangers.sockets, 2);
  t.false((await arrive(2)).admitted, 'there are as many sockets as may be');
  const closed = once(first.socket, 'close');
  first.socket.destroy();
  await closed;
  t.is(strangers.sockets, 1);
});

test('Strangers ends who did not get as far as the upgrade in time, and nobody else', async t => {
  const {arrive, strangers, wait} = await strangersWith(t, {});
  const [stalled, upgraded] = [await arrive(1), await arrive(1)];
  strangers.upgraded(socketId(upgraded.socket));
  wait(limits.handshakeMs + 1);
  const fresh = await arrive(1);
  strangers.sweep();
  t.true(stalled.socket.destroyed);
  t.false(upgraded.socket.destroyed);
  t.false(fresh.socket.destroyed);
});
