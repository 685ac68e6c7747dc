import type {Static} from 'typebox';
import * as Type from 'typebox';
import {parseJson} from '../../controller/protocol/codec.ts';
import {hasShape} from '../../controller/protocol/shape.ts';
import {loadConfig} from '../config/load.ts';
import type {Need} from '../doctor.ts';
import {ReeveError} from '../errors.ts';
import {home} from '../home.ts';
import {runCommand} from '../host/command.ts';
import type {Host} from '../host/host.ts';
import {localHost} from '../host/local/host.ts';
import {askAgentOnce} from '../ipc/client.ts';
import type {AgentStatus} from '../ipc/control-messages.ts';
import {controllerPlace} from '../ipc/link-messages.ts';
import type {Io} from './io.ts';
import {agentSocketOf, type PlaceOptions} from './places.ts';

/** Going the whole way takes a few waits of five seconds at most each. */
const diagnoseMs = 60_000;
/** Who looks when nobody knows the link's own account. */
const nobody = {uid: 65_534, gid: 65_534};

const {url, pins, fleet} = controllerPlace.properties;
const enrolmentFile = Type.Object({url, pins, fleet});
/** What `reeve link --diagnose` prints, a line each. */
const stepLine = Type.Object({
  step: Type.String({maxLength: 40}),
  ok: Type.Union([Type.Boolean(), Type.Null()]),
  found: Type.String({maxLength: 2000}),
  wanted: Type.String({maxLength: 2000}),
  cure: Type.Union([Type.String({maxLength: 2000}), Type.Null()]),
});

/** Where an agent and its link keep what they know: the system's, or those of a `reeve up`. */
type Folders = {agent: string; link: string; program: string};

/** How this host gets to its controller, step by step: name, port, proxy, TLS, key, protocol, clock, hello. */
export async function connection(options: PlaceOptions & {config?: string}, io: Io): Promise<Need[]> {
  const host = localHost('/');
  const status = await askStatus(options, io);
  const folders = foldersOf(options, io);
  const file = await host.fs.readFile(`${folders.agent}/enrolment.json`, {maxBytes: 64 * 1024});
  if (!file.ok && file.code !== 'absent' && host.uid !== 0)
    return [{what: 'controller', state: 'lacks', found: file.reason, cure: 'run it as root'}];
  const place = file.ok ? parseJson(file.value.bytes.toString('utf8')) : null;
  if (!hasShape(enrolmentFile, place))
    return [
      {what: 'controller', state: 'note', found: 'this host reports to none: reeve enroll takes a ticket', cure: null},
    ];
  const agent: Need =
    status === null
      ? {
          what: 'agent',
          state: 'lacks',
          found: 'it does not run, so nothing is reported',
          cure: 'start the service of reeve agent, or reeve up',
        }
      : {what: 'agent', state: 'ok', found: `runs with pid ${status.pid}`, cure: null};
  return [agent, ...(await diagnose(host, folders, {...options, place, status}))];
}

async function askStatus(options: PlaceOptions, io: Io): Promise<AgentStatus | null> {
  try {
    return (await askAgentOnce(agentSocketOf(options, io), {verb: 'status'})).status;
  } catch (error) {
    if (error instanceof ReeveError && error.code === 'REEVE_AGENT_UNREACHABLE') return null;
    throw error;
  }
}

function foldersOf({state}: PlaceOptions, io: Io): Folders {
  const ofUp = (root: string) => ({agent: `${root}/agent`, link: `${root}/link`, program: `${root}/program/`});
  const system = {agent: '/var/lib/reeve', link: '/var/lib/reeve-link', program: home};
  if (state !== undefined) return ofUp(state);
  const has = ({agent}: Folders) => io.files.exists(`${agent}/enrolment.json`);
  return !has(system) && has(ofUp(io.upState)) ? ofUp(io.upState) : system;
}

async function diagnose(
  host: Host,
  folders: Folders,
  {config, place, status}: {config?: string; place: Static<typeof enrolmentFile>; status: AgentStatus | null},
): Promise<Need[]> {
  const {link} = (await loadConfig(host, config ?? null)).config;
  const request = {
    place: {
      url: place.url,
      pins: place.pins,
      fleet: place.fleet,
      proxy: link.proxy ?? null,
      tlsEndsAtProxy: link.tls_ends_at_proxy ?? false,
    },
    link: status?.link ?? null,
  };
  const copy = await host.fs.lstat(`${folders.program}bin/reeve`);
  const program = copy.ok ? folders.program : home;
  const stat = await host.fs.lstat(folders.link);
  const owner = stat.ok && stat.value.uid !== 0 ? {uid: stat.value.uid, gid: stat.value.gid} : nobody;
  const {stdout, failed, reason} = await runCommand(['/bin/sh', `${program}bin/reeve`, 'link', '--diagnose'], {
    ...(host.uid === 0 ? {as: owner} : {}),
    input: JSON.stringify(request),
    timeoutMs: diagnoseMs,
  });
  const steps = stdout.split('\n').map(parseJson).filter(isStep);
  if (steps.length > 0) return steps.map(needOf);
  return [{what: 'connection', state: 'lacks', found: failed ? reason : 'the link said nothing', cure: null}];
}

const isStep = (value: unknown): value is Static<typeof stepLine> => hasShape(stepLine, value);

function needOf({step, ok, found, wanted, cure}: Static<typeof stepLine>): Need {
  const what = `link ${step}`;
  if (ok === null) return {what, state: 'note', found, cure};
  if (!ok) return {what, state: 'lacks', found: `${found}; wanted ${wanted}`, cure};
  return {
    what,
    state: 'ok',
    found: step === 'pin' ? `its key is ${found.slice(0, 16)}…, as the ticket said` : found,
    cure,
  };
}
