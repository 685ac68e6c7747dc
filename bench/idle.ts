import {setTimeout as sleep} from 'node:timers/promises';
import {treeCpuSeconds, treeRssMb} from './site/proc.ts';

/** What a process and its children use while nobody asks anything of them. */
export type Idle = {cpuPercent: number /** The most that was seen at once. */; rssMb: number};

/** Watches processes at the same time; CPU is a share of one core. A process that ended gives null. */
export async function idle(pids: readonly number[], seconds: number): Promise<Array<Idle | null>> {
  const before = pids.map(treeCpuSeconds);
  const peaks = pids.map(() => 0);
  const startedAt = performance.now();
  while (performance.now() - startedAt < seconds * 1000) {
    for (const [index, pid] of pids.entries()) peaks[index] = Math.max(peaks[index] as number, treeRssMb(pid));
    await sleep(1000);
  }
  const elapsed = (performance.now() - startedAt) / 1000;
  return pids.map((pid, index) =>
    treeRssMb(pid) === 0
      ? null
      : {
          cpuPercent: ((treeCpuSeconds(pid) - (before[index] as number)) / elapsed) * 100,
          rssMb: peaks[index] as number,
        },
  );
}
