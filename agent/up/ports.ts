import {createServer} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';
import type {SavedState} from './state.ts';

type Ports = SavedState['ports'];

/** A controller that is just ending gives its ports back within this. */
const patienceMs = 5_000;
const everyMs = 100;

/** The ports of the last time, each replaced by one that the system chooses when somebody else has it and keeps it. */
export async function freePorts(before: Ports | null): Promise<Ports> {
  const agents = await freePort(before?.agents ?? 0, []);
  const page = await freePort(before?.page ?? 0, [agents]);
  return {agents, page};
}

async function freePort(wanted: number, taken: number[]): Promise<number> {
  const end = performance.now() + patienceMs;
  let port = await bind(wanted).catch(() => null);
  while (port === null && performance.now() < end) {
    await sleep(everyMs);
    port = await bind(wanted).catch(() => null);
  }
  port ??= await bind(0);
  return taken.includes(port) ? freePort(0, taken) : port;
}

/** It is free again when this resolves; nobody but us is likely to take it before the controller does. */
function bind(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : port));
    });
  });
}
