import type {Totals} from '../../protocol/api.ts';
import {severities} from '../severity.ts';
import {connectedMs} from './hosts.ts';
import type {Reader} from './reader.ts';

/** Sums over all hosts but those that were removed, from the counts that the tables keep. */
export function readTotals(reader: Reader, now: number): Totals {
  const hosts = {active: 0, frozen: 0, removed: 0};
  for (const row of reader.prepare('SELECT state, count(*) AS count FROM host GROUP BY state').all()) {
    hosts[row.state as keyof typeof hosts] = row.count as number;
  }
  const here = `FROM host_count JOIN host ON host.id = host_count.host AND host.state <> 'removed' WHERE count > 0`;
  const findings = reader
    .prepare(
      `SELECT verdict, severity, sum(count) AS count ${here} GROUP BY verdict, severity ORDER BY verdict, severity`,
    )
    .all();
  const number = (sql: string, ...values: number[]) =>
    Object.values(reader.prepare(sql).get(...values) ?? {})[0] as number;
  return {
    hosts,
    connected: number(
      `SELECT count(*) FROM host WHERE connected_at > coalesce(disconnected_at, -1)
      AND max(connected_at, coalesce(last_seen_at, 0)) > ?`,
      now - connectedMs,
    ),
    failing: number(`SELECT count(DISTINCT host_count.host) ${here} AND verdict = 'fail'`),
    findings: findings.map(row => ({
      verdict: row.verdict as Totals['findings'][number]['verdict'],
      severity: severities[row.severity as number] ?? 'info',
      count: row.count as number,
    })),
    changes: number("SELECT count FROM total WHERE name = 'changes'"),
    gaps: number("SELECT count FROM total WHERE name = 'gaps'"),
    databaseBytes: number('PRAGMA page_count') * number('PRAGMA page_size'),
  };
}
