import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {closeSync, openSync} from 'node:fs';

export type ManagedOptions = {
  name: string;
  argv: readonly [string, ...string[]];
  /** Where its output is appended. */
  log: string;
  /** Runs as this user and group when this process is root. */
  uid?: number | undefined;
  env?: NodeJS.ProcessEnv;
};

/** None outlives this process. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A process that is started, killed and started again. */
export class Managed {
  readonly name: string;
  readonly #options: ManagedOptions;
  #child: ChildProcess | null = null;
  /** Ends that nobody asked for. */
  unasked: string[] = [];

  constructor(options: ManagedOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Null while it does not run: 0 would mean every process to kill(2) and a tree of all of them to /proc. */
  get pid(): number | null {
    return this.isRunning ? (this.#child?.pid ?? null) : null;
  }

  /** Throws while it does not run. */
  get runningPid(): number {
    if (this.pid === null) throw new Error(`${this.name} does not run`);
    return this.pid;
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  start(): void {
    if (this.isRunning) return;
    const {argv, log, uid, env} = this.#options;
    const output = openSync(log, 'a');
    const [file, ...args] = argv;
    const child = spawn(file, args, {
      stdio: ['ignore', output, output],
      env: {...process.env, ...env},
      ...(uid === undefined ? {} : {uid, gid: uid}),
    });
    closeSync(output);
    child.on('error', error => this.unasked.push(`${this.name}: ${error.message}`));
    running.add(child);
    child.on('exit', (code, signal) => {
      running.delete(child);
      if (this.#child === child) this.unasked.push(`${this.name} ended with ${signal ?? code}`);
    });
    this.#child = child;
  }

  /** Resolves when it is gone. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }
}
