import {readdirSync, readFileSync} from 'node:fs';

/** USER_HZ, which Linux fixes at 100 for all that it shows to programs. */
const ticksASecond = 100;

/** CPU seconds that a process used, with those of children that it waited for; 0 when it is gone. proc_pid_stat(5). */
export function cpuSeconds(pid: number): number {
  const fields = read(`/proc/${pid}/stat`)?.split(') ').at(-1)?.split(' ');
  if (fields === undefined) return 0;
  // Fields 14 to 17: utime, stime, cutime, cstime; the first here is the third.
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / ticksASecond;
}

/** Resident memory of a process, MB of 1,048,576 bytes; 0 when it is gone. */
export function rssMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1] ?? 0) / 1024;
}

/** The process and all below it, now. Refuses the kernel's and init's, below which everything is. */
export function tree(pid: number): number[] {
  if (!Number.isInteger(pid) || pid < 2) throw new RangeError(`${pid} is no process that was started here`);
  const parents = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(name => [Number(name), Number(read(`/proc/${name}/stat`)?.split(') ').at(-1)?.split(' ')[1])] as const);
  const found = [pid];
  for (const above of found) found.push(...parents.filter(([, parent]) => parent === above).map(([child]) => child));
  return found;
}

export const treeRssMb = (pid: number): number => tree(pid).reduce((sum, each) => sum + rssMb(each), 0);
export const treeCpuSeconds = (pid: number): number => tree(pid).reduce((sum, each) => sum + cpuSeconds(each), 0);

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
