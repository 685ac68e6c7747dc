import {spawn} from 'node:child_process';
import type {CommandOptions, CommandResult} from './host.ts';

const defaultTimeoutMs = 10_000;
const defaultMaxBytes = 1024 * 1024;

/** Runs a program on this machine as `Host.run` says. Its whole process group is killed when it runs out of time or output. */
export function runCommand(argv: readonly [string, ...string[]], options: CommandOptions = {}): Promise<CommandResult> {
  const {timeoutMs = defaultTimeoutMs, maxBytes = defaultMaxBytes} = options;
  const [file, ...args] = argv;
  if (!file.startsWith('/')) return Promise.resolve(notRun(argv, `cannot run "${file}": an absolute path is wanted`));
  const started = performance.now();
  return new Promise(resolve => {
    const child = spawn(file, args, {
      env: {LC_ALL: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin'},
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: '/',
      detached: true,
      shell: false,
    });
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
    };
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
    child.on('error', (error: NodeJS.ErrnoException) => finish(null, null, error.code === 'ENOENT' ? 'it is not installed' : String(error.code)));
    child.on('close', (exitCode, signal) => finish(exitCode, signal, ''));
  });
}

/** The result of a command that was never started. */
export function notRun(argv: readonly string[], reason: string): CommandResult {
  return {argv: [...argv], failed: true, exitCode: null, signal: null, timedOut: false, truncated: false, stdout: '', stderr: '', durationMs: 0, reason};
}
