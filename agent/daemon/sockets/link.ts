import {chownSync} from 'node:fs';
import type {Socket} from 'node:net';
import type {Static} from 'typebox';
import type {SealedBatch} from '../../../controller/protocol/codec.ts';
import type {Log} from '../../../controller/protocol/log.ts';
import type {Position} from '../../../controller/protocol/messages.ts';
import {Connection} from '../../ipc/connection.ts';
import {type FromAgent, fromLink, type LinkStatus} from '../../ipc/link-messages.ts';
import {listenLocal} from './listen.ts';
import {type Peer, peerOf} from './peer.ts';
import {dispatch, type Verb, verb} from './verbs.ts';

type Message<T extends FromAgent['t']> = Extract<FromAgent, {t: T}>;
export type SignRequest = Static<typeof fromLink.sign>;

/** What the agent does for a link. There is nothing else that a link can make it do. */
export type LinkDesk = {
  setup(): Omit<Message<'setup'>, 't'>;
  state(): Omit<Message<'state'>, 't'>;
  stored(position: Position): void;
  next(after: Position | null): SealedBatch | null;
  document(digest: string): Omit<Message<'document'>, 't'> | null;
  sign(request: SignRequest): Omit<Message<'signed'>, 't'>;
  /** Whether an enrolment is open. */
  isEnrolling(): boolean;
  enrolled(agent: string): void;
  enrolFailed(code: string, message: string): void;
  resync(reason: string, controllerAt: Position | null): void;
};

export type LinkSocket = {
  /** The setup changed. */
  announceSetup(): void;
  /** The findings, the stream or the rules changed. */
  announceState(): void;
  /** What the link said last of itself; null while none is there. */
  status(): LinkStatus | null;
  close(): Promise<void>;
};

/** The longest message of a link is a `status`, well below this. */
const limits = {maxBytes: 16 * 1024, stallMs: 30_000, burst: 100, perSecond: 50};
const readyMs = 5_000;
/** One that is in use, one that takes over, and some that were not let in yet. */
const maxConnections = 8;
/** How often a batch that was refused for now is tried again. */
const againMs = 15_000;

type Phase = 'greeting' | 'open' | 'enrolling';
type Session = {
  connection: Connection;
  desk: LinkDesk;
  ready: boolean;
  /** The batch that the link waits for; undefined when it has what it asked for. */
  after: Position | null | undefined;
  status: LinkStatus | null;
  onReady: () => void;
};

const open = ['open', 'enrolling'] as const;
const rows: ReadonlyArray<Verb<Phase, Session>> = [
  verb({verb: 'ready', phase: 'greeting', once: true, schema: fromLink.ready, handle: session => session.onReady()}),
  verb({verb: 'next', phase: open, schema: fromLink.next, handle: take}),
  verb({
    verb: 'sign',
    phase: open,
    schema: fromLink.sign,
    handle: ({connection, desk}: Session, request) => connection.send({t: 'signed', ...desk.sign(request)}),
  }),
  verb({
    verb: 'enrolled',
    phase: 'enrolling',
    schema: fromLink.enrolled,
    handle: ({desk}: Session, {agent}) => desk.enrolled(agent),
  }),
  verb({
    verb: 'enrolFailed',
    phase: 'enrolling',
    schema: fromLink.enrolFailed,
    handle: ({desk}: Session, {code, message}) => desk.enrolFailed(code, message),
  }),
  verb({
    verb: 'resync',
    phase: open,
    schema: fromLink.resync,
    handle: ({desk}: Session, {reason, controllerAt}) => desk.resync(reason, controllerAt),
  }),
  verb({
    verb: 'wantDocument',
    phase: open,
    schema: fromLink.wantDocument,
    handle: ({connection, desk}: Session, {digest}) => {
      const document = desk.document(digest);
      if (document !== null) connection.send({t: 'document', ...document});
    },
  }),
  verb({
    verb: 'status',
    phase: open,
    schema: fromLink.status,
    handle: (session: Session, {t: _, ...status}: LinkStatus & {t?: string}) => {
      session.status = status;
    },
  }),
];

function take(session: Session, {after}: Static<typeof fromLink.next>): void {
  if (after !== null) session.desk.stored(after);
  session.after = after;
  deliver(session);
}

function deliver(session: Session): void {
  if (session.after === undefined) return;
  const batch = session.desk.next(session.after);
  if (batch === null) return;
  session.after = undefined;
  const {epoch, from, to} = batch;
  const [payload, signature] = [batch.payload.toString('base64'), batch.signature.toString('base64')];
  session.connection.send({t: 'batch', epoch, from, to, payload, signature});
}

/**
 * Serves `link.sock`: one link at a time, a newer one takes over. Peers whose uid `mayConnect` refuses are let go at once;
 * one that says what is not in the table, not its turn or not in its shape, too.
 */
export async function serveLink(
  path: string,
  {
    gid,
    mayConnect,
    desk,
    log,
  }: {gid: number | null; mayConnect: (peer: Peer | null) => boolean; desk: LinkDesk; log: Log},
): Promise<LinkSocket> {
  let current: Session | null = null;
  const sessions = new Set<Session>();
  const tell = (message: FromAgent) => {
    for (const {connection} of sessions) connection.send(message);
  };
  const prepare = () => {
    if (gid !== null) chownSync(path, -1, gid);
  };
  const mode = gid === null ? 0o600 : 0o660;
  const server = await listenLocal(path, {mode, maxConnections, prepare}, socket => {
    const peer = peerOf(socket);
    if (!mayConnect(peer)) {
      log('warning', 'a stranger knocked at the socket of the link', {code: 'PEER', uid: peer?.uid ?? null});
      socket.destroy();
      return;
    }
    greet(socket, peer);
  });
  const again = setInterval(() => current !== null && deliver(current), againMs);

  function greet(socket: Socket, peer: Peer | null): void {
    const used = new Set<string>();
    const connection = new Connection(socket, limits, value => {
      const phase = !session.ready ? 'greeting' : desk.isEnrolling() ? 'enrolling' : 'open';
      const refused = dispatch(rows, 't', value, {phase, used, context: session});
      if (refused !== null) connection.refuse(`${refused.refusal} ${refused.verb ?? ''}`.trim());
    });
    const timer = setTimeout(() => connection.refuse('it did not say that it is ready'), readyMs);
    const session: Session = {
      connection,
      desk,
      ready: false,
      after: undefined,
      status: null,
      onReady: () => {
        clearTimeout(timer);
        session.ready = true;
        current?.connection.end();
        current = session;
        log('info', 'a link connected', {pid: peer?.pid ?? null, uid: peer?.uid ?? null});
      },
    };
    connection.closed.then(reason => {
      clearTimeout(timer);
      sessions.delete(session);
      if (current === session) current = null;
      if (reason !== null) log('warning', 'the connection of a link was ended', {reason});
      else if (session.ready) log('info', 'a link went away');
    });
    sessions.add(session);
    connection.send({t: 'setup', ...desk.setup()});
    connection.send({t: 'state', ...desk.state()});
  }

  const announceState = () => {
    tell({t: 'state', ...desk.state()});
    if (current !== null) deliver(current);
  };
  return {
    announceSetup: () => {
      tell({t: 'setup', ...desk.setup()});
      announceState();
    },
    announceState,
    status: () => current?.status ?? null,
    close: () => {
      clearInterval(again);
      return server.close();
    },
  };
}
