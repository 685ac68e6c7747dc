import {type ChildProcess, fork} from 'node:child_process';
import {once} from 'node:events';
import {fileURLToPath} from 'node:url';
import type {FleetStats} from './fleet.ts';
import type {FleetAnswer, FleetRequest} from './requests.ts';

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

/** A `Fleet` in a process of its own. */
export class FleetProcess {
  readonly #child: ChildProcess;
  readonly #open = new Map<number, {resolve(stats: FleetStats): void; reject(error: Error): void}>();
  #lastId = 0;

  constructor() {
    this.#child = fork(fileURLToPath(new URL('main.ts', import.meta.url)), {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child.on('message', (answer: FleetAnswer) => {
      const asked = this.#open.get(answer.id);
      this.#open.delete(answer.id);
      if ('stats' in answer) asked?.resolve(answer.stats);
      else asked?.reject(new Error(answer.problem));
    });
    this.#child.on('exit', code => {
      for (const {reject} of this.#open.values()) reject(new Error(`the simulated hosts ended with ${code}`));
    });
  }

  /** Resolves with the fleet's numbers once it was carried out. */
  async ask(request: WithoutId<FleetRequest>): Promise<FleetStats> {
    const id = ++this.#lastId;
    return await new Promise((resolve, reject) => {
      this.#open.set(id, {resolve, reject});
      this.#child.send({id, ...request});
    });
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}
