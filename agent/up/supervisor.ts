import {type ChildProcess, spawn} from 'node:child_process';
import {ReeveError} from '../errors.ts';
import {readLogLine} from './log-line.ts';

export const parts = ['controller', 'agent', 'link'] as const;
export type Part = (typeof parts)[number];

export type SupervisorEvents = {
  /** A line that a process wrote to standard error. */
  line: (part: Part, line: string) => void;
  /** A process ended by itself; it is started again after this long. */
  died: (part: Part, how: string, againInMs: number) => void;
  restarted: (part: Part) => void;
};

type Child = {handle: ChildProcess; startedAt: number; tail: string[]};

const firstDelayMs = 500;
const maxDelayMs = 30_000;
/** A process that lived this long is healthy: its next death is a first one. */
const healthyMs = 60_000;
const stopMs = 5_000;
const tailLines = 20;
const maxLine = 16 * 1024;

/**
 * Starts processes and starts again what died, later each time. Each holds the reading end of a pipe of ours, so that
 * it sees our end even when we are killed, and has a session of its own, so that Ctrl-C at the terminal reaches us alone.
 */
export class Supervisor {
  readonly #events: SupervisorEvents;
  readonly #environment: {[name: string]: string};
  readonly #children = new Map<Part, Child>();
  readonly #commands = new Map<Part, [string, ...string[]]>();
  readonly #failures = new Map<Part, number>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #starting = new Map<Part, (error: ReeveError) => void>();
  #stopping = false;

  constructor(environment: {[name: string]: string}, events: SupervisorEvents) {
    this.#environment = environment;
    this.#events = events;
  }

  /**
   * Starts a process and resolves when `ready` does. Rejects with `REEVE_UP_FAILED` when it ends before that; from then on
   * it is started again instead.
   */
  async start(part: Part, command: [string, ...string[]], ready: () => Promise<void>): Promise<void> {
    this.#commands.set(part, command);
    const died = new Promise<never>((_resolve, reject) => this.#starting.set(part, reject));
    this.#spawn(part);
    try {
      await Promise.race([ready(), died]);
    } finally {
      this.#starting.delete(part);
      died.catch(() => {});
    }
  }

  pid(part: Part): number | undefined {
    return this.#children.get(part)?.handle.pid;
  }

  /** Asks all to end, and kills after five seconds what has not. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const timer of this.#timers) clearTimeout(timer);
    const ends = [...this.#children.values()].map(({handle: child}) => {
      const end = new Promise(resolve => child.once('close', resolve));
      child.kill('SIGTERM');
      child.stdin?.end();
      return end;
    });
    const kill = setTimeout(() => {
      for (const {handle} of this.#children.values()) handle.kill('SIGKILL');
    }, stopMs);
    await Promise.all(ends);
    clearTimeout(kill);
  }

  #spawn(part: Part): void {
    const [program, ...words] = this.#commands.get(part) as [string, ...string[]];
    const child: Child = {
      handle: spawn(program, words, {
        cwd: '/',
        detached: true,
        env: this.#environment,
        shell: false,
        stdio: ['pipe', 'ignore', 'pipe'],
      }),
      startedAt: performance.now(),
      tail: [],
    };
    this.#children.set(part, child);
    let ended = false;
    const end = (how: string) => {
      if (ended) return;
      ended = true;
      this.#children.delete(part);
      if (!this.#stopping) this.#onEnd(part, child, how);
    };
    child.handle.stdin?.on('error', () => {});
    child.handle.stderr?.setEncoding('utf8');
    readLines(child.handle.stderr as NodeJS.ReadableStream, line => {
      child.tail.push(line);
      if (child.tail.length > tailLines) child.tail.shift();
      this.#events.line(part, line);
    });
    child.handle.on('error', error => end(`could not be started: ${error.message}`));
    child.handle.on('close', (code, signal) =>
      end(signal === null ? `ended with status ${code}` : `was ended by ${signal}`),
    );
  }

  #onEnd(part: Part, child: Child, how: string): void {
    const starting = this.#starting.get(part);
    if (starting !== undefined) {
      const why = lastWords(child.tail);
      starting(
        new ReeveError(
          'REEVE_UP_FAILED',
          `cannot start the ${part}: it ${how}${why === null ? '' : `; it said: ${why}`}`,
        ),
      );
      return;
    }
    const healthy = performance.now() - child.startedAt >= healthyMs;
    const failures = healthy ? 0 : (this.#failures.get(part) ?? 0);
    this.#failures.set(part, failures + 1);
    const delayMs = Math.min(maxDelayMs, firstDelayMs * 2 ** failures);
    this.#events.died(part, how, delayMs);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#spawn(part);
      this.#events.restarted(part);
    }, delayMs);
    this.#timers.add(timer);
  }
}

/** Why a process ended, as far as it said: its last error, else its last line. */
function lastWords(tail: string[]): string | null {
  const line = tail.findLast(text => /"level":"error"|^\w*[Ee]rror\b|^reeve: error: /.test(text)) ?? tail.at(-1);
  return line === undefined ? null : readLogLine(line).text;
}

function readLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let pending = '';
  stream.on('data', (text: string) => {
    const lines = (pending + text).split('\n');
    pending = (lines.pop() ?? '').slice(0, maxLine);
    for (const line of lines) if (line !== '') onLine(line.slice(0, maxLine));
  });
  stream.on('end', () => {
    if (pending !== '') onLine(pending);
  });
}
