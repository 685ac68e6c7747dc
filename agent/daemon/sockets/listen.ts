import {lstatSync, unlinkSync} from 'node:fs';
import {createConnection, createServer, type Server, type Socket} from 'node:net';
import {ReeveError} from '../../errors.ts';

/** sun_path of unix(7) has 108 bytes, the last of which is zero. */
const maxPathBytes = 107;

export type LocalServer = {
  /** Takes no more connections, ends those that are there, and removes the socket. */
  close(): Promise<void>;
};

/**
 * Listens on a Unix socket whose file has `mode` from its first moment. One that a dead process left is replaced; one
 * that somebody answers on is `REEVE_AGENT_RUNNING`. Beyond `maxConnections` new ones are closed at once. `prepare` is
 * called when the socket is bound, before anybody is let in.
 */
export async function listenLocal(
  path: string,
  {mode, maxConnections, prepare}: {mode: number; maxConnections: number; prepare?: () => void},
  onConnection: (socket: Socket) => void,
): Promise<LocalServer> {
  if (Buffer.byteLength(path) > maxPathBytes)
    throw unusable(`cannot listen on "${path}": the path of a socket has at most ${maxPathBytes} bytes`);
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    onConnection(socket);
  });
  server.maxConnections = maxConnections;
  try {
    if (!(await bind(server, path, mode, prepare))) {
      await removeStale(path);
      if (!(await bind(server, path, mode, prepare))) throw running(path);
    }
  } catch (error) {
    if (error instanceof ReeveError) throw error;
    throw unusable(`cannot listen on "${path}": ${(error as Error).message}`, error);
  }
  return {
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** False when the path is taken. Binding happens inside `listen()`, so the umask is ours for that call alone. */
function bind(server: Server, path: string, mode: number, prepare?: () => void): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => {
      server.off('listening', onListening);
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    };
    const onListening = () => {
      server.off('error', onError);
      resolve(true);
    };
    server.once('error', onError).once('listening', onListening);
    const before = process.umask(0o777 & ~mode);
    try {
      server.listen(path);
    } finally {
      process.umask(before);
    }
    if (server.listening) prepare?.();
  });
}

async function removeStale(path: string): Promise<void> {
  const stat = lstatSync(path, {throwIfNoEntry: false});
  if (stat !== undefined && !stat.isSocket())
    throw unusable(`cannot listen on "${path}": it exists and is no socket; remove it`);
  if (await answers(path)) throw running(path);
  if (stat !== undefined) unlinkSync(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

const running = (path: string) =>
  new ReeveError('REEVE_AGENT_RUNNING', `cannot listen on "${path}": an agent answers there already`);
const unusable = (message: string, cause?: unknown) => new ReeveError('REEVE_STATE_UNUSABLE', message, {cause});
