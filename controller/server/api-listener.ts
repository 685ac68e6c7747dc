import {chmod, rm} from 'node:fs/promises';
import {createServer, type Server} from 'node:http';
import {createServer as createTlsServer} from 'node:https';
import type {AddressInfo, ListenOptions} from 'node:net';
import {getRequestListener, type HttpBindings} from '@hono/node-server';
import type {Api} from '../api/app.ts';

export type ApiListener = {port: number; stop(): Promise<void>};

const timeouts = {headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 5_000, maxHeaderSize: 16 * 1024};
const maxConnections = 1_000;

/** Where people and their tools ask, over TCP: with TLS when there is a certificate, else without. */
export async function listenForApi(
  api: Api,
  {host, port, tls}: {host: string; port: number; tls: {key: string; certificate: string} | null},
): Promise<ApiListener> {
  const answer = getRequestListener((request, env) => {
    const remote = (env as HttpBindings).incoming.socket.remoteAddress ?? 'unknown';
    return api.fetch(request, {admin: false, remote});
  });
  const server =
    tls === null
      ? createServer(timeouts, answer)
      : createTlsServer({...timeouts, key: tls.key, cert: tls.certificate, minVersion: 'TLSv1.2'}, answer);
  server.maxConnections = maxConnections;
  await listen(server, {host, port});
  return {port: (server.address() as AddressInfo).port, stop: () => stop(server)};
}

/** The same for whoever may open a file that is the controller's own: with an admin's rights, without a token. */
export async function listenForAdmin(api: Api, path: string): Promise<{stop(): Promise<void>}> {
  const server = createServer(
    timeouts,
    getRequestListener(request => api.fetch(request, {admin: true, remote: 'admin socket'})),
  );
  // The state folder is the controller's alone, and the store's lock says that no other controller uses it.
  await rm(path, {force: true});
  await listen(server, {path});
  await chmod(path, 0o600);
  return {stop: () => stop(server)};
}

function listen(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function stop(server: Server): Promise<void> {
  const closed = new Promise<void>(resolve => server.close(() => resolve()));
  server.closeAllConnections();
  return closed;
}
