import {type ChildProcess, spawn} from 'node:child_process';
import {createHash} from 'node:crypto';
import {packDocument, parseJson} from '../../../controller/protocol/codec.ts';
import {inventoryDocument} from '../../../controller/protocol/documents.ts';
import type {Log} from '../../../controller/protocol/log.ts';
import {hasShape} from '../../../controller/protocol/shape.ts';
import {inventoryPath} from '../../home.ts';
import type {Clock} from '../clock.ts';
import type {InventorySource} from '../link.ts';

/** Milliseconds. */
const collectMs = 30_000;
const dayMs = 24 * 3600 * 1000;
const maxOutputBytes = 1024 * 1024;
const maxHeapMiB = 128;

type Packed = NonNullable<ReturnType<InventorySource['current']>>;
type About = {reeve: string; hostname: string};

/**
 * What kind of machine this is, collected by a process of its own that is killed when it hangs: at the start, once a day,
 * and when the host's name changes. Without one the last one stays; nothing else depends on it.
 */
export class Inventory implements InventorySource {
  readonly #onChange: () => void;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #program: string;
  readonly #limitMs: number;
  #about: About | null = null;
  #packed: Packed | null = null;
  #child: ChildProcess | null = null;
  #cancelNext: () => void = () => {};

  constructor(onChange: () => void, clock: Clock, log: Log, program = inventoryPath, limitMs = collectMs) {
    this.#onChange = onChange;
    this.#clock = clock;
    this.#log = log;
    this.#program = program;
    this.#limitMs = limitMs;
  }

  describe({reeve, hostname}: About): void {
    if (this.#about?.reeve === reeve && this.#about.hostname === hostname) return;
    this.#about = {reeve, hostname};
    this.#collect();
  }

  current(): Packed | null {
    return this.#packed;
  }

  stop(): void {
    this.#cancelNext();
    this.#about = null;
    this.#kill();
  }

  #collect(): void {
    const about = this.#about;
    if (about === null) return;
    this.#cancelNext();
    this.#cancelNext = this.#clock.after(dayMs, () => this.#collect());
    this.#kill();
    // A group of its own, so that the programs which it starts are killed with it.
    const child = spawn(process.execPath, [...process.execArgv, `--max-old-space-size=${maxHeapMiB}`, this.#program], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C'},
      cwd: '/',
      detached: true,
    });
    this.#child = child;
    let output = '';
    let problem: string | null = null;
    const fail = (why: string) => {
      problem ??= why;
      killGroup(child);
    };
    const cancelLimit = this.#clock.after(this.#limitMs, () => fail(`it took longer than ${this.#limitMs} ms`));
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      if (output.length > maxOutputBytes) fail(`it wrote more than ${maxOutputBytes} characters`);
    });
    child.on('error', error => fail(error.message));
    child.on('close', (status, signal) => {
      cancelLimit();
      if (this.#child !== child) return;
      this.#child = null;
      if (problem === null && status !== 0) problem = `it ended with ${status ?? signal}`;
      if (problem === null) problem = this.#take(output, about);
      if (problem !== null) this.#log('warning', 'no inventory of this machine', {problem});
    });
  }

  /** Null when it is a good one. */
  #take(output: string, about: About): string | null {
    const found = parseJson(output);
    if (typeof found !== 'object' || found === null) return 'it wrote no JSON';
    const document = {...found, v: 1, ...about};
    if (!hasShape(inventoryDocument, document)) return 'what it wrote has not the shape of an inventory';
    const plain = Buffer.from(JSON.stringify(document), 'utf8');
    const digest = createHash('sha256').update(plain).digest('hex');
    if (digest === this.#packed?.digest) return null;
    this.#packed = {digest, bytes: plain.length, body: packDocument(plain)};
    this.#onChange();
    return null;
  }

  #kill(): void {
    const child = this.#child;
    this.#child = null;
    if (child !== null) killGroup(child);
  }
}

function killGroup({pid}: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
