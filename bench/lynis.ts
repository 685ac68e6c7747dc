import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {isInstalled, type Measured, measure} from './measure.ts';

export type LynisRun = {
  measured: Measured;
  /** `TEST-ID|text` of each suggestion and warning: what lynis finds wrong. */
  complaints: string[];
  /** Packages that it counts as vulnerable. */
  vulnerable: number;
};

/** Runs a whole audit with lynis, its only way of running; null when it is not installed. */
export function runLynis(): LynisRun | null {
  if (!isInstalled('/usr/sbin/lynis')) return null;
  const folder = mkdtempSync(join(tmpdir(), 'reeve-bench-'));
  try {
    const report = join(folder, 'report.dat');
    const argv = [
      '/usr/sbin/lynis',
      'audit',
      'system',
      '--quick',
      '--no-colors',
      '--no-log',
      '--report-file',
      report,
    ] as const;
    const measured = measure(argv, 1);
    const lines = readFileSync(report, 'utf8').split('\n');
    const values = (key: string) =>
      lines.filter(line => line.startsWith(`${key}[]=`)).map(line => line.slice(key.length + 3));
    return {
      measured,
      complaints: [...values('suggestion'), ...values('warning')],
      vulnerable: new Set(values('vulnerable_package')).size,
    };
  } finally {
    rmSync(folder, {recursive: true});
  }
}
