import type {IncomingMessage} from 'node:http';
import type {TLSSocket} from 'node:tls';
import {type ClientOptions, WebSocket} from 'ws';
import {limits} from '../../../controller/protocol/limits.ts';
import {subprotocol} from '../../../controller/protocol/messages.ts';
import {LinkProblem, shorten} from '../problem.ts';

const maxRetryAfterSeconds = 3600;

/** Options of ws 8.23 (doc/ws.md); its types are older. */
const options: ClientOptions & {closeTimeout: number; maxFragments: number; maxBufferedChunks: number} = {
  perMessageDeflate: false,
  followRedirects: false,
  maxPayload: limits.frame,
  maxFragments: limits.fragments,
  maxBufferedChunks: limits.bufferedChunks,
  closeTimeout: limits.closeMs,
  autoPong: false,
};

/**
 * Makes a WebSocket of a TLS connection. It is paused, so that nothing is lost before somebody listens. Redirects are
 * not followed, no extension is offered, and the peer must choose `reeve.v1`. Rejects with BUSY (503), NOT_A_CONTROLLER,
 * TLS_FAILED when the connection ends.
 */
export function upgrade(url: string, socket: TLSSocket, timeoutMs: number): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(url, [subprotocol], {...options, createConnection: () => socket});
    const fail = (problem: LinkProblem) => {
      clearTimeout(timer);
      ws.on('error', () => {});
      ws.terminate();
      socket.destroy();
      reject(problem);
    };
    const timer = setTimeout(
      () => fail(new LinkProblem('NOT_A_CONTROLLER', `no answer to the upgrade in ${timeoutMs} ms`)),
      timeoutMs,
    );
    ws.once('unexpected-response', (_request, response) => fail(refusal(response)));
    ws.once('error', error =>
      fail(new LinkProblem('NOT_A_CONTROLLER', `the upgrade failed: ${shorten(error.message, 200)}`, {cause: error})),
    );
    ws.once('open', () => {
      clearTimeout(timer);
      ws.removeAllListeners('error').removeAllListeners('unexpected-response');
      ws.pause();
      resolve(ws);
    });
  });
}

function refusal({statusCode, headers}: IncomingMessage): LinkProblem {
  if (statusCode === 503) {
    const seconds = Number(/^\d{1,9}$/.exec(headers['retry-after'] ?? '')?.[0] ?? 0);
    return new LinkProblem('BUSY', 'the controller takes no more connections now (503)', {
      retryAfterMs: Math.min(seconds, maxRetryAfterSeconds) * 1000,
    });
  }
  return new LinkProblem('NOT_A_CONTROLLER', `status ${statusCode} found, 101 of a controller of reeve wanted`);
}
