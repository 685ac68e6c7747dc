import {connect, isIP, type Socket} from 'node:net';
import {LinkProblem, type ProblemCode} from '../problem.ts';

/** A name or address without brackets, and a port. */
export type Endpoint = {host: string; port: number};

/** Where a URL of a controller (wss) or of a proxy (http) leads. Throws a TypeError for what is no URL. */
export function endpointOf(url: string): Endpoint {
  const {protocol, hostname, port} = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return {host, port: port === '' ? (protocol === 'http:' ? 80 : 443) : Number(port)};
}

/** As it stands in a CONNECT request and in messages: an IPv6 address in brackets. */
export const authority = ({host, port}: Endpoint): string => `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;

/** Keeps the path through NAT and firewalls alive, and finds peers that vanished. */
const keepAliveMs = 30_000;

const causes: {[code: string]: ProblemCode} = {
  ENOTFOUND: 'NAME_UNRESOLVED',
  EAI_AGAIN: 'NAME_UNRESOLVED',
  EAI_FAIL: 'NAME_UNRESOLVED',
  EAI_NODATA: 'NAME_UNRESOLVED',
  EAI_NONAME: 'NAME_UNRESOLVED',
  ECONNREFUSED: 'TCP_REFUSED',
  ETIMEDOUT: 'TCP_TIMEOUT',
};

/** A connected socket. Rejects with NAME_UNRESOLVED, TCP_REFUSED, TCP_TIMEOUT or TCP_FAILED. */
export function connectTcp(to: Endpoint, timeoutMs: number, signal?: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({...to, keepAlive: true, keepAliveInitialDelay: keepAliveMs, noDelay: true});
    const fail = (problem: LinkProblem) => {
      clearTimeout(timer);
      socket.destroy();
      reject(problem);
    };
    const timer = setTimeout(
      () => fail(new LinkProblem('TCP_TIMEOUT', `cannot connect to ${authority(to)}: no answer in ${timeoutMs} ms`)),
      timeoutMs,
    );
    signal?.addEventListener('abort', () => fail(new LinkProblem('CLOSED', 'the link stops')), {once: true});
    socket.once('error', (error: NodeJS.ErrnoException & {errors?: NodeJS.ErrnoException[]}) => {
      const code = error.code ?? error.errors?.[0]?.code ?? '';
      const message = `cannot connect to ${authority(to)}: ${code === '' ? error.message : code}`;
      fail(new LinkProblem(causes[code] ?? 'TCP_FAILED', message, {cause: error}));
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeAllListeners('error');
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}
