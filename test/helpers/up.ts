import {type ChildProcess, spawn} from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import {homedir, tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {home} from '../../agent/home.ts';

export const reeve = `${home}bin/reeve`;
export type Result = {status: number | null; stdout: string; stderr: string};

/** A machine's worth of `reeve up`: a state folder, one rule about the mode of one file, and that file. */
export type UpWorld = {
  state: string;
  config: string;
  file: string;
  args: string[];
  remove: () => void;
};

/** The file lies in the home folder, since below /tmp nothing is watched; it must have mode 0600 at most and has 0644. */
export function makeUpWorld(): UpWorld {
  const base = mkdtempSync(join(tmpdir(), 'reeve-up-'));
  // Link and controller have accounts of their own when root starts them.
  chmodSync(base, 0o711);
  const folder = mkdtempSync(join(homedir(), '.reeve-test-'));
  const file = join(folder, 'secret');
  writeFileSync(file, 'x');
  chmodSync(file, 0o644);
  const site = join(base, 'policies.d');
  mkdirSync(join(site, 'tiny'), {recursive: true, mode: 0o755});
  writeFileSync(join(site, 'tiny/pack.yaml'), 'pack: tiny\nversion: 1.0.0\ntitle: One file\n', {mode: 0o644});
  writeFileSync(
    join(site, 'tiny/files.yaml'),
    `area: files
rules:
  - id: tiny.secret
    title: Nobody else reads the secret
    why: It is one.
    severity: high
    check: {file: {path: ${file}, mode_at_most: "0600"}}
    none: fail
`,
    {mode: 0o644},
  );
  const config = join(base, 'agent.yaml');
  writeFileSync(config, `packs: [tiny]\npolicies_dir: ${site}\n`, {mode: 0o600});
  const state = join(base, 'state');
  return {
    state,
    config,
    file,
    args: ['--state', state, '--config', config],
    remove: () => {
      rmSync(base, {recursive: true, force: true});
      rmSync(folder, {recursive: true, force: true});
    },
  };
}

/** Runs the command to its end. `before` are words before it, as of setpriv; `program` is another reeve than ours. */
export function runReeve(
  args: string[],
  options: {input?: string; before?: string[]; program?: string; env?: NodeJS.ProcessEnv} = {},
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const [program, ...words] = [...(options.before ?? []), options.program ?? reeve, ...args];
    const child = spawn(program as string, words, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {...process.env, ...options.env},
    });
    const out = {stdout: '', stderr: ''};
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', text => (out[name] += text));
    child.on('error', reject);
    child.on('close', status => resolve({status, ...out}));
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}

/** `reeve up` that goes on. */
export class RunningUp {
  stdout = '';
  stderr = '';
  readonly process: ChildProcess;
  readonly ended: Promise<number | null>;

  constructor(args: string[]) {
    this.process = spawn(reeve, ['up', ...args], {stdio: ['ignore', 'pipe', 'pipe']});
    this.process.stdout?.setEncoding('utf8').on('data', text => (this.stdout += text));
    this.process.stderr?.setEncoding('utf8').on('data', text => (this.stderr += text));
    this.ended = new Promise(resolve => this.process.once('close', resolve));
  }

  /** Resolves when the page's address and all below it are printed. */
  async ready(): Promise<{base: string; token: string}> {
    await this.until(() => this.stdout.includes('Ctrl-C'));
    const [, base = '', token = ''] = /^Page +(http:\/\/[^/]+)\/#token=(\S+)$/m.exec(this.stdout) ?? [];
    return {base, token};
  }

  async until(holds: () => boolean | Promise<boolean>): Promise<void> {
    const end = Date.now() + 60_000;
    while (!(await holds())) {
      if (Date.now() > end || this.process.exitCode !== null)
        throw new Error(`it did not come; printed was:\n${this.stdout}\n${this.stderr}`);
      await sleep(50);
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number | null> {
    this.process.kill(signal);
    return this.ended;
  }
}

export type Running = {pid: number; argv: string[]; environment: string; status: string};

/** The processes that name this folder on their command line. */
export function processesOf(state: string): Running[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => {
      try {
        const argv = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
        if (!argv.some(word => word.includes(state)) || !readlinkSync(`/proc/${name}/exe`).endsWith('/node')) return [];
        const environment = readFileSync(`/proc/${name}/environ`, 'utf8');
        return [{pid: Number(name), argv, environment, status: readFileSync(`/proc/${name}/status`, 'utf8')}];
      } catch {
        return [];
      }
    });
}

/** Which of the three a process is, or `up`. */
export function partOf({argv}: Running): string {
  const program = argv.find(word => /\.(ts|mjs|cjs)$/.test(word)) ?? '';
  return /(controller|daemon|link|checker|inventory)/.exec(program.slice(home.length))?.[1] ?? 'up';
}
