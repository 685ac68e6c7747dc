import {type ChildProcessByStdio, spawn} from 'node:child_process';
import type {Readable, Writable} from 'node:stream';
import type {CommandOptions, CommandResult} from './host.ts';

const defaultTimeoutMs = 10_000;
const defaultMaxBytes = 1024 * 1024;
/** How long a killed program may take to go; one that waits for a dead disk or file server never does, and is left. */
const graceMs = 1000;

/** Runs a program on this machine as `Host.run` says. Its whole process group is killed when it runs out of time or output. */
export function runCommand(argv: readonly [string, ...string[]], options: CommandOptions = {}): Promise<CommandResult> {
  const {timeoutMs = defaultTimeoutMs, maxBytes = defaultMaxBytes} = options;
  const [file, ...args] = argv;
  if (!file.startsWith('/')) return Promise.resolve(notRun(argv, `cannot run "${file}": an absolute path is wanted`));
  const refused = whyNotAs(options.as);
  if (refused !== null) return Promise.resolve(notRun(argv, `cannot run ${file}: ${refused}`));
  const [program, ...words] = options.as === undefined ? [file, ...args] : [...dropTo(options.as), file, ...args];
  const started = performance.now();
  return new Promise(resolve => {
    const child = spawn(program as string, words, {
      env: {LC_ALL: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin'},
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      cwd: '/',
      detached: true,
      shell: false,
    }) as ChildProcessByStdio<Writable | null, Readable, Readable>;
    const output = {stdout: [] as Buffer[], stderr: [] as Buffer[]};
    const size = {stdout: 0, stderr: 0};
    let timedOut = false;
    let truncated = false;
    const kill = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        child.kill('SIGKILL');
      }
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      leave = setTimeout(() => finish(null, 'SIGKILL', ''), graceMs);
    };
    let leave: NodeJS.Timeout | undefined;
    const timer = setTimeout(() => {
      timedOut = true;
      kill();
    }, timeoutMs);
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (chunk: Buffer) => {
        const room = maxBytes - size[name];
        output[name].push(chunk.subarray(0, room));
        size[name] += Math.min(chunk.length, room);
        if (chunk.length > room) {
          truncated = true;
          kill();
        }
      });
    }
    const finish = (exitCode: number | null, signal: string | null, startError: string) => {
      clearTimeout(timer);
      clearTimeout(leave);
      const why = timedOut
        ? `no answer within ${timeoutMs / 1000} s`
        : truncated
          ? `more than ${maxBytes} bytes of output`
          : startError || (signal === null ? (exitCode === 0 ? '' : `exit status ${exitCode}`) : `killed by ${signal}`);
      resolve({
        argv: [...argv],
        failed: why !== '',
        exitCode,
        signal,
        timedOut,
        truncated,
        stdout: Buffer.concat(output.stdout).toString('utf8'),
        stderr: Buffer.concat(output.stderr).toString('utf8'),
        durationMs: performance.now() - started,
        reason: why === '' ? '' : `cannot run ${file}: ${why}`,
      });
    };
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input);
    child.on('error', (error: NodeJS.ErrnoException) =>
      finish(null, null, error.code === 'ENOENT' ? 'it is not installed' : String(error.code)),
    );
    child.on('close', (exitCode, signal) => finish(exitCode, signal, ''));
  });
}

const setpriv = '/usr/bin/setpriv';

/** The words before a command that take away every privilege; numeric ids, so that no name service is asked. */
export function dropTo({uid, gid}: {uid: number; gid: number}): string[] {
  const ids =
    process.geteuid?.() === 0 ? [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--bounding-set=-all'] : [];
  return [setpriv, ...ids, '--no-new-privs', '--inh-caps=-all', '--ambient-caps=-all', '--'];
}

function whyNotAs(as: CommandOptions['as']): string | null {
  if (as === undefined) return null;
  if (![as.uid, as.gid].every(id => Number.isSafeInteger(id) && id > 0 && id < 2 ** 32 - 1))
    return 'only an ordinary user and group may run it';
  const [uid, gid] = [process.geteuid?.(), process.getegid?.()];
  return uid === 0 || (uid === as.uid && gid === as.gid) ? null : `only root may run it as uid ${as.uid}`;
}

/** The result of a command that was never started. */
export function notRun(argv: readonly string[], reason: string): CommandResult {
  return {
    argv: [...argv],
    failed: true,
    exitCode: null,
    signal: null,
    timedOut: false,
    truncated: false,
    stdout: '',
    stderr: '',
    durationMs: 0,
    reason,
  };
}
