import type {Log} from '../../../controller/protocol/log.ts';
import {ReeveError} from '../../errors.ts';
import {Connection} from '../../ipc/connection.ts';
import {type ControlAnswer, type ControlRequest, controlRequests} from '../../ipc/control-messages.ts';
import {type LocalServer, listenLocal} from './listen.ts';
import {type Peer, peerOf} from './peer.ts';
import {dispatch, type Verb, verb} from './verbs.ts';

type Request<V extends ControlRequest['verb']> = Extract<ControlRequest, {verb: V}>;

/** What root may have of the agent. Each gives its answers; a `ReeveError` that it throws is the answer. */
export type ControlDesk = {
  [V in ControlRequest['verb']]: (request: Request<V>) => Promise<Array<ControlAnswer<V>>>;
};

/** The longest request names a thousand rules. */
const limits = {maxBytes: 256 * 1024, stallMs: 30_000, burst: 2, perSecond: 1};
const requestMs = 5_000;
const maxConnections = 16;

type Session = {answer: (answers: Promise<Array<object>>) => void; desk: ControlDesk};
const row = <V extends ControlRequest['verb']>(name: V): Verb<'asking', Session> =>
  verb({
    verb: name,
    phase: 'asking',
    once: true,
    schema: controlRequests[name],
    handle: ({answer, desk}: Session, request) => answer(desk[name](request as Request<V>)),
  });
const rows = [row('status'), row('findings'), row('check'), row('enroll')];

/** Serves `agent.sock`: one request a connection. Peers whom `mayConnect` refuses are let go at once. */
export function serveControl(
  path: string,
  {mayConnect, desk, log}: {mayConnect: (peer: Peer | null) => boolean; desk: ControlDesk; log: Log},
): Promise<LocalServer> {
  return listenLocal(path, {mode: 0o600, maxConnections}, socket => {
    const peer = peerOf(socket);
    if (!mayConnect(peer)) {
      log('warning', 'a stranger knocked at the control socket', {code: 'PEER', uid: peer?.uid ?? null});
      socket.destroy();
      return;
    }
    let phase: 'asking' | 'answering' = 'asking';
    const connection = new Connection(socket, limits, value => {
      const refused = dispatch<'asking' | 'answering', Session>(rows, 'verb', value, {
        phase,
        used: new Set(),
        context: {answer, desk},
      });
      phase = 'answering';
      if (refused !== null) connection.refuse(`${refused.refusal} ${refused.verb ?? ''}`.trim());
    });
    const timer = setTimeout(() => connection.refuse('it asked nothing'), requestMs);
    connection.closed.then(reason => {
      clearTimeout(timer);
      if (reason !== null) log('warning', 'a connection of the control socket was ended', {reason});
    });

    async function answer(answers: Promise<object[]>): Promise<void> {
      clearTimeout(timer);
      try {
        const all = await answers;
        for (const [index, body] of all.entries()) {
          if (!connection.isOpen) return;
          await connection.sendSlowly({ok: true, end: index === all.length - 1, ...body});
        }
      } catch (error) {
        connection.send(refusal(error, log));
      }
      connection.end();
    }
  });
}

function refusal(error: unknown, log: Log): {ok: false; code: string; message: string} {
  if (error instanceof ReeveError) return {ok: false, code: error.code, message: error.message.slice(0, 4000)};
  log('error', 'a request could not be carried out', {
    error: error instanceof Error ? (error.stack ?? error.message) : `${error}`,
  });
  return {ok: false, code: 'REEVE_BUG', message: 'the agent failed on this request; its log says more'};
}
