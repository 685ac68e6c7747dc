import {createConnection, type Socket} from 'node:net';
import type {Static} from 'typebox';
import {hasShape} from '../../controller/protocol/shape.ts';
import {type ErrorCode, errorCodes, ReeveError} from '../errors.ts';
import {type ControlAnswer, type ControlRequest, controlAnswers, controlHead} from './control-messages.ts';
import {encodeFrame, FrameReader} from './frames.ts';

export const agentSocket = (runDirectory: string): string => `${runDirectory}/agent.sock`;

/**
 * Asks the running agent on its `agent.sock`, and gives its answers as they come. Throws what the agent refused with, and
 * `REEVE_AGENT_UNREACHABLE` when there is none, when it does not let us in, or when it says nothing for `timeoutMs`.
 */
export async function* askAgent<R extends ControlRequest>(
  path: string,
  request: R,
  {timeoutMs = 30_000}: {timeoutMs?: number} = {},
): AsyncGenerator<ControlAnswer<R['verb']>> {
  const socket = await connect(path);
  const reader = new FrameReader();
  socket.setTimeout(timeoutMs, () =>
    socket.destroy(unreachable(`the agent on "${path}" said nothing for ${timeoutMs} ms`)),
  );
  try {
    socket.write(encodeFrame(request));
    for await (const chunk of socket) {
      const read = reader.push(chunk);
      if (!read.ok) throw unreachable(`the agent on "${path}" sent ${read.reason}`);
      for (const value of read.values) {
        const {answer, end} = readAnswer(path, request, value);
        yield answer;
        if (end) return;
      }
    }
    throw unreachable(`the agent on "${path}" ended the connection before it had answered`);
  } catch (error) {
    throw error instanceof ReeveError ? error : unreachable(`the connection to "${path}" broke`, error);
  } finally {
    socket.destroy();
  }
}

/** The one answer of a verb that gives but one. */
export async function askAgentOnce<R extends ControlRequest>(
  path: string,
  request: R,
  options: {timeoutMs?: number} = {},
): Promise<ControlAnswer<R['verb']>> {
  for await (const answer of askAgent(path, request, options)) return answer;
  throw unreachable(`the agent on "${path}" gave no answer`);
}

function readAnswer<R extends ControlRequest>(
  path: string,
  {verb}: R,
  value: unknown,
): {answer: ControlAnswer<R['verb']>; end: boolean} {
  if (!hasShape(controlHead, value)) throw unreachable(`the agent on "${path}" gave an answer that is none`);
  const head: Static<typeof controlHead> = value;
  if (!head.ok) throw new ReeveError(knownCode(head.code), head.message);
  if (!hasShape(controlAnswers[verb], value))
    throw unreachable(`the agent on "${path}" answered "${verb}" in a shape that this version does not know`);
  return {answer: value as ControlAnswer<R['verb']>, end: head.end === true};
}

const knownCode = (code: string): ErrorCode =>
  errorCodes.includes(code as ErrorCode) ? (code as ErrorCode) : 'REEVE_BUG';

function connect(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', (error: NodeJS.ErrnoException) =>
      reject(unreachable(`cannot talk to the agent on "${path}": ${whyNot(error.code)}`, error)),
    );
  });
}

function whyNot(code: string | undefined): string {
  if (code === 'ENOENT' || code === 'ECONNREFUSED') return 'no agent runs there';
  if (code === 'EACCES' || code === 'EPERM') return 'it speaks with root alone, and you are not';
  return `${code}`;
}

const unreachable = (message: string, cause?: unknown) => new ReeveError('REEVE_AGENT_UNREACHABLE', message, {cause});
