import {type ChildProcess, fork} from 'node:child_process';
import type {MountFact} from '../../../policies/facts/mounts.ts';
import {slowReaderPath} from '../../home.ts';
import type {DirectFs} from '../direct.ts';
import {failed, type Look} from '../look.ts';
import type {SlowRequest} from './slow-reader.ts';

/** For one look. */
const lookMs = 2000;
/** For all looks below one mount together; a server may be slow without ever failing. */
const mountMs = 10_000;
/** So many mounts may fail before none is tried any more. Each leaves a process that the kernel may not be able to end. */
const maxFailedMounts = 4;
/** After so long a mount that failed is tried again. */
const forgiveMs = 300_000;
const startMs = 10_000;

type Account = {spentMs: number; failedAt: number | null};

/**
 * Looks at what lies on mounts that may never answer, in a child process that is killed when it takes too long. One
 * look at a time. The child is started when first needed, ends with this process, and keeps it alive only during a look.
 */
export class SlowReader {
  readonly #accounts = new Map<number, Account>();
  #child: Promise<ChildProcess | null> | null = null;
  #last: Promise<unknown> = Promise.resolve();

  /** Never throws. `mount` is what the path leads into first; what is spent and fails is put down to it. */
  ask<M extends keyof DirectFs>(
    mount: MountFact,
    root: string,
    method: M,
    args: Parameters<DirectFs[M]>,
  ): Promise<ReturnType<DirectFs[M]>> {
    const answer = this.#last.then(() => this.#askNow(mount, {root, method, args}));
    this.#last = answer;
    return answer as Promise<ReturnType<DirectFs[M]>>;
  }

  async #askNow(mount: MountFact, request: SlowRequest): Promise<Look<unknown>> {
    const account = this.#accountOf(mount);
    const doing = `cannot look at ${String(request.args[0])}`;
    const named = `mount ${mount.point} (${mount.fstype})`;
    if (account.failedAt !== null)
      return failed('timeout', `${doing}: ${named} did not answer within ${lookMs / 1000} s`);
    if (account.spentMs > mountMs)
      return failed('timeout', `${doing}: ${named} took more than ${mountMs / 1000} s in all`);
    if (this.#failures() >= maxFailedMounts) {
      return failed('timeout', `${doing}: ${maxFailedMounts} mounts did not answer, so ${named} was not tried`);
    }
    this.#child ??= startChild();
    const child = await this.#child;
    if (child === null) {
      this.#child = null;
      return failed('timeout', `${doing}: the process for looking at ${named} did not start`);
    }
    const started = performance.now();
    const look = await exchange(child, request, lookMs);
    account.spentMs += performance.now() - started;
    if (look !== null) return look as Look<unknown>;
    account.failedAt = performance.now();
    this.#child = null;
    child.kill('SIGKILL');
    return failed('timeout', `${doing}: ${named} did not answer within ${lookMs / 1000} s`);
  }

  #accountOf(mount: MountFact): Account {
    const known = this.#accounts.get(mount.id);
    if (known !== undefined && (known.failedAt === null || performance.now() - known.failedAt < forgiveMs))
      return known;
    const account = {spentMs: 0, failedAt: null};
    this.#accounts.set(mount.id, account);
    return account;
  }

  #failures(): number {
    return [...this.#accounts.values()].filter(({failedAt}) => failedAt !== null).length;
  }
}

async function startChild(): Promise<ChildProcess | null> {
  const child = fork(slowReaderPath, [], {
    cwd: '/',
    env: {},
    execArgv: [
      '--max-old-space-size=64',
      '--disallow-code-generation-from-strings',
      '--disable-warning=ExperimentalWarning',
    ],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const ready = await exchange(child, null, startMs);
  child.unref();
  child.channel?.unref();
  if (ready === null) child.kill('SIGKILL');
  return ready === null ? null : child;
}

/** The child's next message, or null when none comes in time or the child has ended. The timer keeps this process alive. */
function exchange(child: ChildProcess, request: SlowRequest | null, timeoutMs: number): Promise<unknown> {
  return new Promise(resolve => {
    const finish = (message: unknown) => {
      clearTimeout(timer);
      child.off('message', finish).off('exit', fail).off('error', fail);
      resolve(message);
    };
    const fail = () => finish(null);
    const timer = setTimeout(fail, timeoutMs);
    child.on('message', finish).on('exit', fail).on('error', fail);
    if (request !== null) child.send(request, error => error !== null && fail());
  });
}
