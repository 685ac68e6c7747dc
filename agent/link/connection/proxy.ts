import type {Socket} from 'node:net';
import {LinkProblem, shorten} from '../problem.ts';
import {authority, type Endpoint} from './tcp.ts';

/** What a proxy may answer before its empty line. */
const maxHeadBytes = 8 * 1024;

/**
 * Asks an HTTP proxy for a tunnel (RFC 9110 9.3.6); the socket is the tunnel afterwards. Rejects with PROXY_REFUSED and
 * the status, or PROXY_INVALID when what answers is no proxy.
 */
export function openTunnel(socket: Socket, to: Endpoint, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let head = '';
    const settle = (problem: LinkProblem | null) => {
      clearTimeout(timer);
      socket.removeListener('data', read).removeListener('close', ended);
      if (problem === null) {
        socket.pause();
        resolve();
        return;
      }
      socket.destroy();
      reject(problem);
    };
    const invalid = (found: string) =>
      settle(new LinkProblem('PROXY_INVALID', `what answers at the proxy's address is no HTTP proxy: ${found}`));
    const timer = setTimeout(() => invalid(`no answer in ${timeoutMs} ms`), timeoutMs);
    const ended = () => invalid('it ended the connection');
    const read = (chunk: Buffer) => {
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end < 0 && head.length <= maxHeadBytes) return;
      const line = head.slice(0, head.indexOf('\r\n'));
      const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(line)?.[1];
      if (end < 0 || status === undefined) invalid(`"${shorten(line, 80)}"`);
      else if (!status.startsWith('2'))
        settle(
          new LinkProblem('PROXY_REFUSED', `the proxy refused a tunnel to ${authority(to)}: "${shorten(line, 80)}"`),
        );
      else if (head.length > end + 4) invalid('it spoke before TLS began');
      else settle(null);
    };
    socket.on('data', read).on('close', ended);
    socket.write(`CONNECT ${authority(to)} HTTP/1.1\r\nHost: ${authority(to)}\r\n\r\n`);
  });
}
