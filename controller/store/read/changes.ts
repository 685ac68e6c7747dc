import type {ChangeInfo, ChangePage, ChangeQuery} from '../../protocol/api.ts';
import {parseJson} from '../../protocol/codec.ts';
import {cursors, keyOf, writeCursor} from './cursor.ts';
import {type Reader, timeText} from './reader.ts';

type Row = {[column: string]: string | number | null};

/** Changes, the newest first: by when they were received, or in the order of its stream when one host is asked for. */
export function listChanges(reader: Reader, query: ChangeQuery): ChangePage {
  const limit = query.limit ?? 100;
  const after = keyOf(cursors.changes, query.cursor);
  const order = query.host === undefined ? ['received_at', 'host', 'epoch', 'n', 'part'] : ['epoch', 'n', 'part'];
  const byTime = query.only === 'verdict' ? 'change_of_verdict' : 'change_by_time';
  const index = query.host !== undefined ? '' : `INDEXED BY ${query.rule === undefined ? byTime : 'change_by_rule'}`;
  const conditions = [
    ...(query.host === undefined ? [] : ['host = ?']),
    ...(query.rule === undefined ? [] : [query.host === undefined ? 'rule = ?' : '+rule = ?']),
    ...(query.only === undefined ? [] : ['verdict_before IS NOT NULL AND verdict_before IS NOT verdict_after']),
    ...(after === null ? [] : [`(${order.join(', ')}) < (${order.map(() => '?').join(', ')})`]),
  ];
  const rows = reader
    .prepare(
      `SELECT change.*, (SELECT name FROM host WHERE id = change.host) AS name FROM change ${index}
      ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`}
      ORDER BY ${order.map(column => `${column} DESC`).join(', ')} LIMIT ?`,
    )
    .all(
      ...(query.host === undefined ? [] : [hostId(reader, query.host)]),
      ...(query.rule === undefined ? [] : [query.rule]),
      ...(after === null ? [] : after.slice(-order.length)),
      limit + 1,
    ) as Row[];
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    changes: page.map(changeOf),
    next:
      rows.length > limit && last !== undefined
        ? writeCursor([
            last.received_at as number,
            last.host as string,
            last.epoch as number,
            last.n as number,
            last.part as number,
          ])
        : null,
  };
}

/** A host is asked for by id, or by a name that one host has. */
function hostId(reader: Reader, host: string): string {
  const rows = reader
    .prepare(`SELECT id FROM host WHERE id = ? UNION ALL SELECT id FROM host WHERE name = ? LIMIT 1`)
    .all(host, host);
  return (rows[0]?.id as string | undefined) ?? host;
}

const changeOf = (row: Row): ChangeInfo => ({
  host: row.host as string,
  hostName: row.name as string,
  epoch: row.epoch as number,
  n: row.n as number,
  rule: row.rule as string,
  subject: row.subject as string,
  before: row.verdict_before as ChangeInfo['before'],
  after: row.verdict_after as ChangeInfo['after'],
  finding: row.body === null ? null : (parseJson(row.body as string) as NonNullable<ChangeInfo['finding']>),
  observedAt: timeText(row.observed_at_host as number),
  receivedAt: timeText(row.received_at as number),
});
