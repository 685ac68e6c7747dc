import {hostDetail, newToken} from '../../controller/protocol/api.ts';
import type {Controller} from '../cli/controller/client.ts';
import {ReeveError} from '../errors.ts';
import {askAgentOnce} from '../ipc/client.ts';
import type {AgentStatus} from '../ipc/control-messages.ts';

const ticketLifeSeconds = 600;
const enrolMs = 60_000;

/**
 * Makes the agent report to the controller at `url` unless it does so already. Gives the id of the host there. What the
 * host was before at another address is removed, so that the controller shows this machine once.
 */
export async function enrolHere(
  {controller, socket, url}: {controller: Controller; socket: string; url: string},
  {enrolment}: AgentStatus,
  say: (text: string) => void,
): Promise<string> {
  const known = enrolment === null ? null : await controller.find(`/api/v1/hosts/${enrolment.agent}`, hostDetail);
  if (known !== null && known.state !== 'active')
    throw new ReeveError(
      'REEVE_UP_FAILED',
      `this host is ${known.state} at its controller${known.stateReason === null ? '' : ` (${known.stateReason})`}: choose another state folder with --state, or remove this one`,
    );
  if (known !== null && enrolment?.url === url) return known.id;
  say('enrolling this host');
  const {ticket} = await controller.post('/api/v1/tokens', newToken, {
    kind: 'enrol',
    name: 'reeve up',
    expiresIn: ticketLifeSeconds,
    uses: 1,
  });
  if (ticket === null)
    throw new ReeveError('REEVE_UP_FAILED', 'the controller has no address that hosts can connect to');
  const {agent} = await askAgentOnce(
    socket,
    {verb: 'enroll', ticket, replace: enrolment !== null},
    {timeoutMs: enrolMs},
  );
  if (known !== null && known.id !== agent)
    await controller.post(`/api/v1/hosts/${known.id}/state`, hostDetail, {state: 'removed'});
  return agent;
}
