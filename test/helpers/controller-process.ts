import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';
import type {Place} from './reeve-host.ts';

const main = fileURLToPath(new URL('../../controller/main.ts', import.meta.url));

export type ControllerProcess = {
  child: ChildProcess;
  place: Place;
  log: string[];
  socket: string;
  end(signal: NodeJS.Signals): Promise<number | null>;
};

/** `controller/main.ts` as a process, once it is ready. Rejects with what it said when it ends before that. */
export async function controllerProcess(state: string, flags: string[] = []): Promise<ControllerProcess> {
  const child = spawn(
    process.execPath,
    [
      '--disallow-code-generation-from-strings',
      main,
      '--state',
      state,
      '--agents-listen',
      '127.0.0.1:0',
      '--api-listen',
      '127.0.0.1:0',
      ...flags,
    ],
    {stdio: ['ignore', 'ignore', 'pipe']},
  );
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const log: string[] = [];
  const lines = createInterface({input: child.stderr as NodeJS.ReadableStream});
  const ready = new Promise<void>(resolve =>
    lines.on('line', line => {
      log.push(line);
      if (line.includes('"message":"ready"')) resolve();
    }),
  );
  const early = await Promise.race([ready.then(() => null), exited]);
  if (early !== null) throw new Error(`exit ${early[0]}: ${log.join('\n')}`);
  const {agentsUrl, pins, fleet} = JSON.parse(await readFile(join(state, 'ready.json'), 'utf8'));
  return {
    child,
    place: {url: agentsUrl, pin: pins[0], fleet},
    log,
    socket: join(state, 'admin.sock'),
    async end(signal) {
      child.kill(signal);
      return (await exited)[0];
    },
  };
}
