import {type AddressInfo, connect, createServer, type Socket} from 'node:net';
import type {ExecutionContext} from 'ava';

export type TcpServer = {port: number; sockets: Socket[]};

/** A TCP server on a free port of 127.0.0.1 that goes with the test. */
export async function tcpServer(t: ExecutionContext, onSocket: (socket: Socket) => void): Promise<TcpServer> {
  const sockets: Socket[] = [];
  const server = createServer(socket => {
    sockets.push(socket);
    socket.on('error', () => {});
    onSocket(socket);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {port: (server.address() as AddressInfo).port, sockets};
}

/** Passes bytes on to a port until `freeze()`: then it keeps both connections open and passes on nothing more. */
export async function cable(t: ExecutionContext, to: number): Promise<TcpServer & {freeze(): void}> {
  const ends: Socket[] = [];
  const server = await tcpServer(t, socket => {
    const other = connect(to, '127.0.0.1');
    ends.push(socket, other);
    other.on('error', () => {});
    socket.pipe(other).pipe(socket);
    t.teardown(() => other.destroy());
  });
  return {
    ...server,
    freeze() {
      for (const end of ends.splice(0)) end.unpipe().pause();
    },
  };
}

/** An HTTP proxy that makes tunnels to any port of 127.0.0.1, and notes what it was asked. */
export async function proxyServer(t: ExecutionContext): Promise<TcpServer & {asked: string[]}> {
  const asked: string[] = [];
  const server = await tcpServer(t, socket => {
    socket.once('data', head => {
      const line = head.toString('latin1').split('\r\n')[0] ?? '';
      asked.push(line);
      const port = Number(/:(\d+) HTTP/.exec(line)?.[1]);
      const other = connect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n');
        socket.pipe(other).pipe(socket);
      });
      other.on('error', () => socket.destroy());
      t.teardown(() => other.destroy());
    });
  });
  return {...server, asked};
}
