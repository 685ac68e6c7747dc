import {createHash} from 'node:crypto';
import {request as httpRequest, type IncomingMessage} from 'node:http';
import {isIP, type Socket, connect as tcpConnect} from 'node:net';
import {connect as tlsConnect} from 'node:tls';
import type {Static, TSchema} from 'typebox';
import {apiError} from '../../../controller/protocol/api.ts';
import {parseJson} from '../../../controller/protocol/codec.ts';
import {hasShape} from '../../../controller/protocol/shape.ts';
import {ReeveError} from '../../errors.ts';

/** Where a controller's interface is: on this machine by its socket, or at an address with a token. */
export type ControllerTarget =
  | {socketPath: string}
  /** `pins`: SHA-256 over SubjectPublicKeyInfo, hexadecimal; none: the system's authorities decide. */
  | {url: string; token: string; pins: string[]};

export type Query = {[name: string]: string | number | readonly string[] | undefined};

/** Asks a controller. Every method throws `REEVE_CONTROLLER_UNREACHABLE` or `REEVE_CONTROLLER_REFUSED`. */
export type Controller = {
  /** For messages: its address, or the path of its socket. */
  name: string;
  get<S extends TSchema>(path: string, shape: S, query?: Query): Promise<Static<S>>;
  /** Null when there is no such thing. */
  find<S extends TSchema>(path: string, shape: S): Promise<Static<S> | null>;
  post<S extends TSchema>(path: string, shape: S, body: unknown): Promise<Static<S>>;
  delete(path: string): Promise<void>;
};

type Method = 'GET' | 'POST' | 'DELETE';
type Answer = {status: number; body: string};

/** A page of the most findings, each as long as it may be, is below this. */
const maxAnswerBytes = 16 * 1024 * 1024;
const answerMs = 30_000;

/** Nothing is sent before a method is called. Throws `REEVE_USAGE` for an address that must not get a token. */
export function controllerAt(target: ControllerTarget): Controller {
  const {name, headers, open, prefix} = 'socketPath' in target ? overSocket(target) : overNetwork(target);
  const unreachable = (cause: unknown) =>
    cause instanceof ReeveError
      ? cause
      : new ReeveError('REEVE_CONTROLLER_UNREACHABLE', `cannot ask the controller at ${name}: ${whyNot(cause)}`, {
          cause,
        });
  const ask = async (method: Method, path: string, body?: unknown): Promise<Answer> => {
    const answer = await send(open, {method, path: `${prefix}${path}`, headers, body}).catch(error => {
      throw unreachable(error);
    });
    if ((answer.status >= 200 && answer.status < 300) || answer.status === 404) return answer;
    throw refused(name, answer);
  };
  const read = <S extends TSchema>(answer: Answer, shape: S): Static<S> => {
    if (answer.status === 404) throw refused(name, answer);
    const value = parseJson(answer.body);
    if (hasShape(shape, value)) return value as Static<S>;
    throw new ReeveError(
      'REEVE_CONTROLLER_REFUSED',
      `the controller at ${name} answered something else than /api/v1 does: is that address a controller of this version?`,
    );
  };
  return {
    name,
    get: async (path, shape, query = {}) => read(await ask('GET', `${path}${queryText(query)}`), shape),
    find: async (path, shape) => {
      const answer = await ask('GET', path);
      return answer.status === 404 ? null : read(answer, shape);
    },
    post: async (path, shape, body) => read(await ask('POST', path, body), shape),
    delete: async path => {
      const answer = await ask('DELETE', path);
      if (answer.status === 404) throw refused(name, answer);
    },
  };
}

const refused = (name: string, {status, body}: Answer) =>
  new ReeveError('REEVE_CONTROLLER_REFUSED', `the controller at ${name} refused: ${refusal(status, body)}`);

function overSocket({socketPath}: {socketPath: string}) {
  const open = async () => opened(tcpConnect({path: socketPath}), 'connect');
  return {name: socketPath, headers: {host: 'localhost'}, open, prefix: ''};
}

function overNetwork({url: text, token, pins}: {url: string; token: string; pins: string[]}) {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.username !== '')
    throw new ReeveError('REEVE_USAGE', `"${text}" is no address of a controller: https://host:port is wanted`);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const secure = url.protocol === 'https:';
  if (!secure && !isLoopback(host))
    throw new ReeveError('REEVE_USAGE', `"${text}" would carry the token unencrypted: https:// is wanted`);
  const port = Number(url.port || (secure ? 443 : 80));
  const open = () => (secure ? openTls(host, port, pins) : opened(tcpConnect({host, port}), 'connect'));
  return {
    name: url.origin,
    headers: {host: url.host, authorization: `Bearer ${token}`},
    open,
    prefix: url.pathname.replace(/\/+$/, ''),
  };
}

const isLoopback = (host: string) =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

/** With pins the key alone decides, as it does for agents; otherwise name, time and authority do. */
async function openTls(host: string, port: number, pins: string[]): Promise<Socket> {
  const socket = tlsConnect({
    host,
    port,
    ...(isIP(host) === 0 ? {servername: host} : {}),
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: pins.length === 0,
  });
  await opened(socket, 'secureConnect');
  if (pins.length === 0) return socket;
  const key = socket.getPeerX509Certificate()?.publicKey.export({type: 'spki', format: 'der'});
  const found = key === undefined ? 'none' : createHash('sha256').update(key).digest('hex');
  if (pins.includes(found)) return socket;
  socket.destroy();
  throw new ReeveError(
    'REEVE_CONTROLLER_UNREACHABLE',
    `cannot trust the controller at https://${host}:${port}: its key is ${found}, wanted ${pins.join(' or ')}`,
  );
}

function opened<T extends Socket>(socket: T, event: 'connect' | 'secureConnect'): Promise<T> {
  return new Promise((resolve, reject) => {
    socket.setTimeout(answerMs, () => socket.destroy(new Error(`no answer within ${answerMs / 1000} s`)));
    socket.once('error', reject);
    socket.once(event, () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

async function send(
  open: () => Promise<Socket>,
  request: {method: Method; path: string; headers: {[name: string]: string}; body: unknown},
): Promise<Answer> {
  const socket = await open();
  const body = request.body === undefined ? null : Buffer.from(JSON.stringify(request.body), 'utf8');
  try {
    return await new Promise<Answer>((resolve, reject) => {
      const sent = httpRequest(
        {
          method: request.method,
          path: request.path,
          headers: {
            ...request.headers,
            accept: 'application/json',
            connection: 'close',
            ...(body === null ? {} : {'content-type': 'application/json', 'content-length': String(body.length)}),
          },
          createConnection: () => socket,
          signal: AbortSignal.timeout(answerMs),
        },
        response => void readAnswer(response).then(resolve, reject),
      );
      sent.on('error', reject);
      sent.end(body ?? undefined);
    });
  } finally {
    socket.destroy();
  }
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxAnswerBytes) throw new Error(`its answer is longer than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return {status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8')};
}

function refusal(status: number, text: string): string {
  const value = parseJson(text);
  const said = hasShape(apiError, value) ? `${value.error.message} (${value.error.code})` : `HTTP status ${status}`;
  return status === 401 ? `${said}: is the token right, and neither revoked nor over?` : said;
}

function whyNot(error: unknown): string {
  const {code, name, message} = error as NodeJS.ErrnoException;
  const known: {[code: string]: string} = {
    ECONNREFUSED: 'nothing listens there: is it running?',
    ENOENT: 'there is no such socket: is it running?',
    EACCES: 'permission denied: its own account and root may ask there',
    ENOTFOUND: 'its name is not known: does it resolve?',
    EAI_AGAIN: 'its name could not be looked up now',
    ECONNRESET: 'it ended the connection',
    EPROTO: 'it does not speak TLS there: is http:// meant?',
    DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is one that it made itself: give its key with --pin',
    SELF_SIGNED_CERT_IN_CHAIN:
      'no authority that this system trusts stands behind its certificate: give its key with --pin',
    UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      'no authority that this system trusts stands behind its certificate: give its key with --pin',
    CERT_HAS_EXPIRED: 'its certificate is over',
    ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  };
  if (name === 'TimeoutError' || name === 'AbortError') return `no answer within ${answerMs / 1000} s`;
  return (code === undefined ? undefined : known[code]) ?? message;
}

function queryText(query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of [value].flat()) params.append(name, String(one));
  }
  return params.size === 0 ? '' : `?${params}`;
}
