import {once} from 'node:events';
import {writeFileSync} from 'node:fs';
import {type AddressInfo, createServer} from 'node:net';

/** Ports that stay the same over restarts, since hosts come back to them. */
export type ControllerPorts = {agents: number; api: number};

/** Left out: the controller's own default. */
export type ControllerLimits = {admission_per_second?: number; enrols_per_second?: number};

export async function freePorts(): Promise<ControllerPorts> {
  const servers = [createServer(), createServer()] as const;
  const ports = await Promise.all(
    servers.map(async server => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    }),
  );
  for (const server of servers) server.close();
  const [agents, api] = ports as [number, number];
  return {agents, api};
}

export function writeControllerConfig(path: string, ports: ControllerPorts, limits: ControllerLimits): void {
  const config = {
    agents: {listen: `127.0.0.1:${ports.agents}`},
    api: {listen: `127.0.0.1:${ports.api}`},
    limits,
  };
  // JSON is YAML.
  writeFileSync(path, JSON.stringify(config), {mode: 0o644});
}
