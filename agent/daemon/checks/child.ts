import {type ChildProcess, spawn} from 'node:child_process';
import {constants as access, accessSync} from 'node:fs';
import {setPriority} from 'node:os';
import {hasShape} from '../../../controller/protocol/shape.ts';
import {
  type CheckerEvent,
  type CheckerJob,
  doneEvent,
  loadedEvent,
  lookingEvent,
  refusedEvent,
} from '../../checker/messages.ts';
import {printable} from '../../host/names.ts';
import type {Clocks} from './clocks.ts';
import {killTree} from './descendants.ts';

/** What one checker may write before it is ended. */
const limits = {lineBytes: 32 * 1024 * 1024, bytes: 256 * 1024 * 1024, lines: 200_000, errorBytes: 4096};

export type Looking = {what: string; rules: string[]};

/** How a checker ended. `looking` is what it was at last, null when it had not begun. */
export type Ending =
  | {how: 'done'}
  /** Killed because of its budget. */
  | {how: 'overdue'; looking: Looking | null; budgetMs: number}
  /** Ended by itself before it was done, or by somebody else's signal, or wrote what it may not. */
  | {how: 'died'; looking: Looking | null; reason: string}
  /** Killed because the agent ends. */
  | {how: 'stopped'};

export type CheckerOptions = {
  /** The checker's file, agent/home.ts. */
  program: string;
  clocks: Clocks;
  /** How long what it is at now may take, milliseconds; null is from the start to the first look. */
  budgetMs(looking: Looking | null): number;
  onEvent(event: CheckerEvent): void;
};

export type RunningChecker = {ended: Promise<Ending>; stop(): void};

/** How long a killed checker may take to go; one that waits for a dead disk never does, and is left. */
const graceMs = 1000;

const setpriv = '/usr/bin/setpriv';
const nice = 10;

/**
 * V8 for a run of seconds: a small heap, and no thread beside this one. A heap that grows beyond all reason ends the
 * checker, not the host.
 */
const flags = [
  '--disallow-code-generation-from-strings',
  '--disable-warning=ExperimentalWarning',
  '--single-threaded',
  '--no-opt',
  '--no-incremental-marking',
  '--max-semi-space-size=1',
  '--initial-heap-size=4',
  '--heap-growing-percent=20',
  '--max-old-space-size=1024',
];
const environment = {
  LC_ALL: 'C',
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '65536',
  MALLOC_TRIM_THRESHOLD_: '65536',
};

/**
 * Starts a checker for one job and holds it to its budget. The kernel kills it when we die (prctl(2),
 * PR_SET_PDEATHSIG); where setpriv(1) is missing, it notices by its standard input.
 */
export function startChecker(job: CheckerJob, options: CheckerOptions): RunningChecker {
  try {
    return watch(start(job, options.program), options);
  } catch (error) {
    // Out of memory: Node throws that, and tells others by an event.
    const reason = `cannot start a checker: ${(error as Error).message}`;
    return {ended: Promise.resolve({how: 'died', looking: null, reason}), stop: () => {}};
  }
}

function start(job: CheckerJob, program: string): ChildProcess {
  const words = [process.execPath, ...flags, program];
  const [file, ...args] = hasSetpriv() ? [setpriv, '--pdeathsig', 'KILL', '--', ...words] : words;
  const child: ChildProcess = spawn(file as string, args, {
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: '/',
    detached: true,
    shell: false,
  });
  if (child.pid !== undefined) lower(child.pid);
  // There is none when no descriptor was left for it.
  child.stdin?.on('error', () => {});
  child.stdin?.write(`${JSON.stringify(job)}\n`);
  return child;
}

function watch(child: ChildProcess, {clocks, budgetMs, onEvent}: CheckerOptions): RunningChecker {
  const {promise: ended, resolve} = Promise.withResolvers<Ending>();
  const reader = new LineReader();
  let ending: Ending | null = null;
  let looking: Looking | null = null;
  let complaint = '';
  let cancel = () => {};

  const arm = () => {
    cancel();
    const [at, budget] = [looking, budgetMs(looking)];
    // What it said in time may still lie in the pipe when we ourselves were held up: that is read first.
    cancel = clocks.after(budget, () =>
      setImmediate(() => setImmediate(() => at === looking && end({how: 'overdue', looking, budgetMs: budget}))),
    );
  };
  const end = (why: Ending) => {
    if (ending !== null) return;
    ending = why;
    cancel();
    if (child.pid !== undefined) killTree(child.pid);
    child.unref();
    cancel = clocks.after(graceMs, gone);
  };
  const gone = () => {
    cancel();
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
    resolve(ending ?? {how: 'died', looking, reason: 'it ended without a word'});
  };
  const take = (line: string | null) => {
    const event = line === null ? null : eventOf(line);
    if (event === null) return end({how: 'died', looking, reason: 'the checker wrote what it must not'});
    if (event.event === 'looking') {
      looking = event;
      arm();
    }
    onEvent(event);
    if (event.event === 'done' || event.event === 'refused' || event.event === 'loaded') finished = true;
  };
  let finished = false;

  arm();
  child.stdout?.on('data', (chunk: Buffer) => {
    for (const line of reader.push(chunk)) if (ending === null) take(line);
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    if (complaint.length < limits.errorBytes) complaint += chunk.toString('utf8', 0, limits.errorBytes);
  });
  child.on('error', error => end({how: 'died', looking, reason: `cannot start a checker: ${error.message}`}));
  child.on('close', (code, signal) => {
    if (ending === null)
      ending =
        finished && code === 0 ? {how: 'done'} : {how: 'died', looking, reason: reasonOf(code, signal, complaint)};
    gone();
  });
  return {ended, stop: () => end({how: 'stopped'})};
}

function reasonOf(code: number | null, signal: string | null, complaint: string): string {
  const how = signal === null ? `ended with status ${code}` : `was killed by ${signal}`;
  const last =
    complaint
      .trim()
      .split('\n')
      .find(line => /^\w*Error\b|FATAL ERROR/.test(line)) ?? '';
  return last === '' ? `the checker ${how}` : `the checker ${how}: ${printable(last).slice(0, 300)}`;
}

/** Cuts what a checker writes into lines; null for what is beyond the limits. */
class LineReader {
  #pending: Buffer[] = [];
  #length = 0;
  #bytes = 0;
  #lines = 0;

  push(chunk: Buffer): Array<string | null> {
    const lines: Array<string | null> = [];
    this.#bytes += chunk.length;
    let rest = chunk;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      lines.push(Buffer.concat([...this.#pending, rest.subarray(0, end)]).toString('utf8'));
      this.#pending = [];
      this.#length = 0;
      rest = rest.subarray(end + 1);
    }
    this.#pending.push(rest);
    this.#length += rest.length;
    this.#lines += lines.length;
    const tooMuch = this.#bytes > limits.bytes || this.#lines > limits.lines || this.#length > limits.lineBytes;
    return tooMuch ? [...lines, null] : lines;
  }
}

const schemas = {loaded: loadedEvent, refused: refusedEvent, looking: lookingEvent, done: doneEvent};

/** A checker is of our own code and privilege: the shape of what steers us is checked, a finding's is not again. */
function eventOf(line: string): CheckerEvent | null {
  const event = parse(line);
  if (typeof event !== 'object' || event === null) return null;
  if (event.event === 'finding') return typeof event.finding?.rule === 'string' ? event : null;
  if (event.event === 'waivers') return Array.isArray(event.waivers) ? event : null;
  const schema = Object.hasOwn(schemas, event.event) ? schemas[event.event] : undefined;
  return schema !== undefined && hasShape(schema, event) ? event : null;
}

function parse(line: string): CheckerEvent | null {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** Beside the environment, what a checker is run with: it must not take the machine from those whom it is for. */
function lower(pid: number): void {
  try {
    setPriority(pid, nice);
  } catch {
    // It ended by itself.
  }
}

function hasSetpriv(): boolean {
  try {
    accessSync(setpriv, access.X_OK);
    return true;
  } catch {
    return false;
  }
}
