import {readJoinTicket} from '../../controller/protocol/join.ts';
import {ReeveError} from '../errors.ts';
import {askAgentOnce} from '../ipc/client.ts';
import {type ExitStatus, exitStatus, type Io} from './io.ts';
import {agentSocketOf, type PlaceOptions} from './places.ts';

/** The agent answers when the controller took or refused the ticket, which may take several tries to connect. */
const answerMs = 120_000;

/** `reeve enroll`: has the running agent enrol with the controller that made the ticket. */
export async function enroll(
  options: PlaceOptions & {ticketFile?: string; replace?: boolean; json?: boolean},
  io: Io,
): Promise<ExitStatus> {
  const ticket = (await io.files.read(options.ticketFile ?? null)).trim();
  if (readJoinTicket(ticket) === null)
    throw new ReeveError(
      'REEVE_TICKET_INVALID',
      `cannot enrol: what ${options.ticketFile === undefined ? 'came on standard input' : `"${options.ticketFile}" holds`} is no ticket, or one that was cut or mistyped; one line that starts with "reeve-join:" is wanted`,
    );
  const {url, agent, fleet} = await askAgentOnce(
    agentSocketOf(options, io),
    {verb: 'enroll', ticket, replace: options.replace === true},
    {timeoutMs: answerMs},
  );
  io.out(
    options.json
      ? `${JSON.stringify({url, agent, fleet}, null, 2)}\n`
      : `This host is ${agent} at ${url} from now on.\n`,
  );
  return exitStatus.ok;
}
