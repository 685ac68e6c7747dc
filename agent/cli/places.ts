import {isToken} from '../../controller/protocol/join.ts';
import {ReeveError} from '../errors.ts';
import {agentSocket} from '../ipc/client.ts';
import {type Controller, controllerAt} from './controller/client.ts';
import type {Io} from './io.ts';

/** `state`: of a `reeve up`, or of a controller; `run`: where the agent's sockets are. */
export type PlaceOptions = {state?: string; run?: string};
export type ControllerOptions = PlaceOptions & {controller?: string; tokenFile?: string; pin?: string[]};

const systemRun = '/run/reeve';
const systemController = '/var/lib/reeve-controller';
const upRun = (state: string) => `${state}/run`;
const upController = (state: string) => `${state}/controller`;

/** The control socket of the agent that is meant: the one named, else the system's, else that of a running `reeve up`. */
export function agentSocketOf({state, run}: PlaceOptions, io: Io): string {
  if (run !== undefined) return agentSocket(run);
  if (state !== undefined) return agentSocket(upRun(state));
  const system = agentSocket(systemRun);
  const up = agentSocket(upRun(io.upState));
  return !io.files.exists(system) && io.files.exists(up) ? up : system;
}

/** The controller that is meant: the one at the address, else the one on this machine by its socket. */
export async function controllerOf(options: ControllerOptions, io: Io): Promise<Controller> {
  const {controller: url, pin = [], state} = options;
  const pins = pin.map(text => text.toLowerCase());
  const bad = pins.find(text => !/^[0-9a-f]{64}$/.test(text));
  if (bad !== undefined)
    throw new ReeveError('REEVE_USAGE', `"${bad}" is no pin: the SHA-256 of a key, 64 hexadecimal digits, is wanted`);
  if (url !== undefined) return controllerAt({url, token: await tokenOf(options, io), pins});
  return controllerAt({socketPath: adminSocket(state, io)});
}

function adminSocket(state: string | undefined, io: Io): string {
  const system = `${systemController}/admin.sock`;
  const candidates =
    state === undefined
      ? [system, `${upController(io.upState)}/admin.sock`]
      : [`${upController(state)}/admin.sock`, `${state}/admin.sock`];
  return candidates.find(io.files.exists) ?? (state === undefined ? system : `${state}/admin.sock`);
}

async function tokenOf({tokenFile}: ControllerOptions, io: Io): Promise<string> {
  const path = tokenFile ?? io.tokenFile;
  if (path === null)
    throw new ReeveError(
      'REEVE_USAGE',
      'a controller is asked with a token: name its file with --token-file or in REEVE_TOKEN_FILE',
    );
  const token = (await io.files.read(path)).trim();
  if (isToken('api', token)) return token;
  throw new ReeveError('REEVE_USAGE', `"${path}" holds no token of a controller, or one that was cut or mistyped`);
}
