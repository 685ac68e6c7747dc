import type {HostDetail, HostInfo, HostPage, HostQuery} from '../../protocol/api.ts';
import {parseJson} from '../../protocol/codec.ts';
import {cursors, keyOf, writeCursor} from './cursor.ts';
import {placeholders, type Reader, timeText, timeTextOrNull} from './reader.ts';

/**
 * `last_seen_at` is written once a minute, and a silent connection is given up after `limits.deadMs`. A row that says
 * connected and is older than both together was left by a controller that was killed.
 */
export const connectedMs = 180_000;

type Row = {[column: string]: string | number | null};

/** Hosts by name; removed ones only when they are asked for. */
export function listHosts(reader: Reader, query: HostQuery, now: number): HostPage {
  const limit = query.limit ?? 100;
  const after = keyOf(cursors.hosts, query.cursor);
  const states = query.state === undefined ? ['active', 'frozen'] : [query.state];
  const conditions = [
    ...(query.name === undefined ? [] : [{sql: 'name = ?', values: [query.name]}]),
    ...(query.text === undefined ? [] : [{sql: 'instr(lower(name), lower(?)) > 0', values: [query.text]}]),
    ...(after === null ? [] : [{sql: '(name, id) > (?, ?)', values: after}]),
    {sql: `state IN (${placeholders(states)})`, values: states},
  ];
  const rows = reader
    .prepare(`SELECT * FROM host WHERE ${conditions.map(({sql}) => sql).join(' AND ')} ORDER BY name, id LIMIT ?`)
    .all(...conditions.flatMap(({values}) => values), limit + 1) as Row[];
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    hosts: page.map(row => hostOf(reader, row, now)),
    next: rows.length > limit && last !== undefined ? writeCursor([last.name as string, last.id as string]) : null,
  };
}

export function readHost(reader: Reader, id: string, now: number): HostDetail | null {
  const row = reader.prepare('SELECT * FROM host WHERE id = ?').get(id) as Row | undefined;
  if (row === undefined) return null;
  const gaps = reader
    .prepare('SELECT count, reason, received_at FROM gap WHERE host = ? ORDER BY epoch DESC, n DESC LIMIT 50')
    .all(id) as Row[];
  const packs = reader.documents.rules(row.rules_document as string | null)?.document.packs ?? [];
  return {
    ...hostOf(reader, row, now),
    inventory: reader.documents.inventory(row.inventory_document as string | null),
    packs: packs.map(({name, version, title}) => ({name, version, title})),
    gaps: gaps.map(gap => ({
      count: gap.count as number,
      reason: gap.reason as string,
      receivedAt: timeText(gap.received_at as number),
    })),
  };
}

function hostOf(reader: Reader, row: Row, now: number): HostInfo {
  const id = row.id as string;
  const [connectedAt, disconnectedAt, seenAt] = [row.connected_at, row.disconnected_at, row.last_seen_at];
  return {
    id,
    name: row.name as string,
    state: row.state as HostInfo['state'],
    stateReason: row.state_reason as string | null,
    connected:
      typeof connectedAt === 'number' &&
      (typeof disconnectedAt !== 'number' || disconnectedAt < connectedAt) &&
      now - Math.max(connectedAt, Number(seenAt ?? 0)) < connectedMs,
    enrolledAt: timeText(row.enrolled_at as number),
    lastSeenAt: timeTextOrNull(seenAt as number | null),
    reeve: row.reeve as string,
    os: reader.documents.system(row.inventory_document as string | null),
    stream: row.epoch === null ? null : {epoch: row.epoch as number, n: row.last_n as number},
    checkedAt: (parseJson(row.checked_at_host as string) ?? {}) as HostInfo['checkedAt'],
    clockSkewMs: row.clock_skew_ms as number | null,
    degraded: row.degraded !== 0,
    counts: countsOf(reader, id),
  };
}

function countsOf(reader: Reader, host: string): HostInfo['counts'] {
  const counts = {pass: 0, fail: 0, waived: 0, 'not-applicable': 0, unknown: 0, error: 0};
  const rows = reader.prepare('SELECT verdict, sum(count) AS count FROM host_count WHERE host = ? GROUP BY verdict');
  for (const row of rows.all(host)) counts[row.verdict as keyof typeof counts] = row.count as number;
  return counts;
}
