import {readFileSync} from 'node:fs';

const maxProcesses = 4096;

/**
 * Kills a child of ours and all that it started, whatever process group that is in by now. It is stopped first, so that
 * it cannot start more while its children are counted. What ended meanwhile is no failure.
 */
export function killTree(pid: number): void {
  send(pid, 'SIGSTOP');
  for (const descendant of descendantsOf(pid)) {
    send(-descendant, 'SIGKILL');
    send(descendant, 'SIGKILL');
  }
  send(-pid, 'SIGKILL');
  send(pid, 'SIGKILL');
}

/** proc_pid_task(5), `children`; empty on kernels without it. */
function descendantsOf(pid: number): number[] {
  const found = childrenOf(pid);
  for (let next = 0; next < found.length && found.length < maxProcesses; next++) {
    const parent = found[next] as number;
    send(parent, 'SIGSTOP');
    found.push(...childrenOf(parent));
  }
  return found;
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')
      .split(' ')
      .map(Number)
      .filter(id => id > 1);
  } catch {
    return [];
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself.
  }
}
