import type {HostInfo} from '../../controller/protocol/api.ts';
import {printable} from '../host/names.ts';
import {alignTable, clip, counted, painter, span} from '../report/text.ts';
import {allHosts} from './controller/pages.ts';
import {type ExitStatus, exitStatus, type Io} from './io.ts';
import {type ControllerOptions, controllerOf} from './places.ts';

/** `reeve hosts`: the hosts that report to a controller, and how they are. */
export async function hosts(
  options: ControllerOptions & {hostState?: string; name?: string; json?: boolean},
  io: Io,
): Promise<ExitStatus> {
  const controller = await controllerOf(options, io);
  const found: HostInfo[] = [];
  for await (const host of allHosts(controller, {state: options.hostState, name: options.name})) found.push(host);
  if (options.json) {
    const safe = (_key: string, value: unknown) => (typeof value === 'string' ? printable(value) : value);
    io.out(`${JSON.stringify({hosts: found}, safe, 2)}\n`);
    return exitStatus.ok;
  }
  if (found.length === 0) {
    io.out('No hosts. reeve token create --kind enroll makes a ticket; reeve enroll on a host takes it.\n');
    return exitStatus.ok;
  }
  const now = Date.now();
  const rows = found.map(({name, counts, os, ...host}) => [
    printable(name),
    stateOf(host, now),
    counts.fail,
    counts.unknown + counts.error,
    counts.pass,
    printable(os ?? 'not known yet'),
  ]);
  const [head, ...body] = alignTable(['host', 'state', 'fail', 'unknown', 'pass', 'system'], rows);
  io.out(`${painter(io.colour)('bold', head as string)}\n`);
  for (const line of body) io.out(`${clip(line, io.columns)}\n`);
  io.out(`${counted(found.length, 'host')} at ${controller.name}.\n`);
  return exitStatus.ok;
}

function stateOf(
  {state, connected, lastSeenAt}: Pick<HostInfo, 'state' | 'connected' | 'lastSeenAt'>,
  now: number,
): string {
  if (state !== 'active') return state;
  if (connected) return 'connected';
  return lastSeenAt === null ? 'never seen' : `away ${span(now - Date.parse(lastSeenAt))}`;
}
