import {spawnSync} from 'node:child_process';
import {existsSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

/** One finished process and all that it waited for, as wait4(2) counts it through time(1). */
export type Measured = {
  cpuSeconds: number;
  wallSeconds: number;
  peakMb: number;
  exitCode: number | null;
  stdout: string;
};

const time = '/usr/bin/time';

/** Whether a program that a row needs is there; a row without it says so instead of a number. */
export const isInstalled = (path: string): boolean => existsSync(path);

/**
 * Runs a command `runs` times and gives the run with the median CPU time. Throws when time(1) is missing, since nothing
 * else here counts the memory of child processes.
 */
export function measure(argv: readonly [string, ...string[]], runs: number): Measured {
  if (!isInstalled(time)) throw new Error(`cannot measure: ${time} is missing, install the Debian package "time"`);
  const folder = mkdtempSync(join(tmpdir(), 'reeve-bench-'));
  try {
    const all = Array.from({length: runs}, () => measureOnce(argv, join(folder, 'time')));
    return all.sort((a, b) => a.cpuSeconds - b.cpuSeconds)[Math.floor(runs / 2)] as Measured;
  } finally {
    rmSync(folder, {recursive: true});
  }
}

function measureOnce(argv: readonly [string, ...string[]], output: string): Measured {
  const result = spawnSync(time, ['-o', output, '-f', '%U %S %e %M', ...argv], {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    timeout: 600_000,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const line = readFileSync(output, 'utf8').trim().split('\n').at(-1) ?? '';
  const [user, system, wall, kilobytes] = line.split(' ').map(Number) as [number, number, number, number];
  if (Number.isNaN(kilobytes)) throw new Error(`cannot measure ${argv.join(' ')}: it did not end within 600 s`);
  return {
    cpuSeconds: user + system,
    wallSeconds: wall,
    peakMb: kilobytes / 1024,
    exitCode: result.status,
    stdout: result.stdout,
  };
}
