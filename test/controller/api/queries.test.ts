import {DatabaseSync, type StatementSync} from 'node:sqlite';
import test from 'ava';
import type {FindingQuery} from '../../../controller/protocol/api.ts';
import type {WireFinding} from '../../../controller/protocol/batch.ts';
import {listChanges} from '../../../controller/store/read/changes.ts';
import {Documents} from '../../../controller/store/read/documents.ts';
import {listFindings} from '../../../controller/store/read/findings.ts';
import {listHosts} from '../../../controller/store/read/hosts.ts';
import {makeReader, type Reader} from '../../../controller/store/read/reader.ts';
import {readTotals} from '../../../controller/store/read/totals.ts';
import {migrations} from '../../../controller/store/schema.ts';
import {severities, severityNumber} from '../../../controller/store/severity.ts';
import {seeded} from '../../helpers/random.ts';
import {wire} from '../../helpers/site.ts';

const verdicts = ['pass', 'fail', 'waived', 'not-applicable', 'unknown', 'error'] as const;
const worstFirst = ['fail', 'error', 'unknown', 'waived', 'not-applicable', 'pass'] as const;

function emptyDatabase(): DatabaseSync {
  const database = new DatabaseSync(':memory:');
  for (const migration of migrations) database.exec(migration);
  return database;
}

function addHost(database: DatabaseSync, id: string, name = id): void {
  database
    .prepare(
      `INSERT INTO host (id, name, public_key, state, enrolled_at, enrolled_by, digest)
      VALUES (?, ?, ?, 'active', 1, 'test', '0')`,
    )
    .run(id, name, Buffer.from(id));
}

type Row = {host: string; finding: WireFinding};

function put(database: DatabaseSync, {host, finding}: Row): void {
  const {rule, subject, pack, severity, verdict} = finding;
  database
    .prepare(
      `INSERT INTO finding (host, rule, subject, pack, severity, verdict, body, digest, epoch, n, observed_at_host,
        since_host, received_at) VALUES (?, ?, ?, ?, ?, ?, ?, '0', 1, 1, 1, 1, 1)
      ON CONFLICT DO UPDATE SET severity = excluded.severity, verdict = excluded.verdict, body = excluded.body`,
    )
    .run(host, rule, subject, pack, severityNumber(severity), verdict, JSON.stringify(finding));
}

/** Subjects whose order differs between UTF-8 and UTF-16, the empty one, and ones that share a beginning. */
const subjects = ['', 'a', 'a b', '/etc', '\u{1f600}', '\uff5e', 'é'];

function filled(seed: number): {database: DatabaseSync; rows: Row[]} {
  const {pick} = dice(seed);
  const database = emptyDatabase();
  const rows: Row[] = [];
  for (const host of ['h1', 'h2', 'h3', 'h4']) {
    addHost(database, host, host === 'h4' ? 'h3' : `name of ${host}`);
    for (let rule = 0; rule < 8; rule++) {
      for (const subject of subjects) {
        if (pick([true, false])) continue;
        const finding = wire({
          rule: `rule-${rule}`,
          pack: `pack-${rule % 3}`,
          subject,
          severity: pick(severities),
          verdict: pick(verdicts),
        });
        rows.push({host, finding});
        put(database, {host, finding});
      }
    }
  }
  return {database, rows};
}

function dice(seed: number) {
  const below = seeded(seed);
  return {
    pick: <T>(values: readonly T[]): T => values[below(values.length)] as T,
    some: <T>(values: readonly T[]): T[] | undefined => {
      const chosen = values.filter(() => below(10) < 4);
      return chosen.length === 0 || below(2) === 0 ? undefined : chosen;
    },
  };
}

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

function expected(rows: Row[], query: FindingQuery): string[] {
  const kind = ({finding}: Row) => worstFirst.indexOf(finding.verdict) * 10 - severityNumber(finding.severity);
  return rows
    .filter(
      ({host, finding}) =>
        (query.host?.some(name => name === host || name === `name of ${host}` || (host === 'h4' && name === 'h3')) ??
          true) &&
        (query.rule?.includes(finding.rule) ?? true) &&
        (query.pack?.includes(finding.pack) ?? true) &&
        (query.verdict?.includes(finding.verdict) ?? true) &&
        (query.severity?.includes(finding.severity) ?? true),
    )
    .sort(
      (a, b) =>
        (query.order === 'worst' ? kind(a) - kind(b) : 0) ||
        byBytes(a.host, b.host) ||
        byBytes(a.finding.rule, b.finding.rule) ||
        byBytes(a.finding.subject, b.finding.subject),
    )
    .map(({host, finding}) => `${host} ${finding.rule} ${finding.subject}`);
}

function allPages(reader: Reader, query: FindingQuery): string[] {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = listFindings(reader, {...query, ...(cursor === undefined ? {} : {cursor})});
    found.push(...page.findings.map(({host, finding}) => `${host} ${finding.rule} ${finding.subject}`));
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return found;
}

test('listFindings() pages through exactly what the filters ask for, in both orders', t => {
  for (let seed = 1; seed <= 60; seed++) {
    const {some, pick} = dice(seed * 7919);
    const {database, rows} = filled(seed);
    const reader = makeReader(database);
    for (let round = 0; round < 6; round++) {
      const chosen = {
        host: some(['h1', 'name of h2', 'h3', 'h4', 'nobody']),
        rule: some(['rule-0', 'rule-3', 'rule-5', 'rule-7', 'no rule']),
        pack: some(['pack-0', 'pack-1', 'no pack']),
        verdict: some(verdicts),
        severity: some(severities),
        order: pick(['host', 'worst', undefined] as const),
      };
      const query = Object.fromEntries(
        Object.entries(chosen).filter(([, value]) => value !== undefined),
      ) as FindingQuery;
      const limit = pick([1, 3, 17, 500]);
      t.deepEqual(allPages(reader, {...query, limit}), expected(rows, query), JSON.stringify({seed, limit, ...query}));
    }
    database.close();
  }
});

test('listFindings() gives rows that stay exactly once while others come and go between pages', t => {
  const {database, rows} = filled(5);
  const reader = makeReader(database);
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = listFindings(reader, {limit: 5, ...(cursor === undefined ? {} : {cursor})});
    seen.push(...page.findings.map(({host, finding}) => `${host} ${finding.rule} ${finding.subject}`));
    const last = page.findings.at(-1);
    if (last !== undefined) {
      database
        .prepare('DELETE FROM finding WHERE host = ? AND rule = ? AND subject = ?')
        .run(last.host, last.finding.rule, last.finding.subject);
      put(database, {host: 'h1', finding: wire({rule: 'rule-0', subject: `new ${seen.length}`})});
    }
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  const before = expected(rows, {});
  t.deepEqual(
    seen.filter(key => before.includes(key)),
    before,
  );
});

const filterNames = ['host', 'rule', 'pack', 'verdict', 'severity'] as const;
const filterValues = {
  host: ['h1', 'h2'],
  rule: ['rule-1', 'rule-2'],
  pack: ['pack-1', 'pack-2'],
  verdict: ['fail', 'pass'],
  severity: ['high', 'low'],
} as const;

/** The plans of all statements that `use` runs. */
function plansOf(database: DatabaseSync, use: (reader: Reader) => void): Array<{sql: string; steps: string[]}> {
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string) => {
    const statement = statements.get(sql) ?? database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  use({prepare, documents: new Documents(prepare)});
  return [...statements.keys()]
    .filter(sql => !sql.startsWith('PRAGMA'))
    .map(sql => {
      const marks = sql.split('?').length - 1;
      const explain = database.prepare(`EXPLAIN QUERY PLAN ${sql}`);
      return {sql, steps: explain.all(...Array<string>(marks).fill('1')).map(row => row.detail as string)};
    });
}

test('listFindings() never scans or sorts the table, whatever the filters are', t => {
  const {database} = filled(3);
  let plans = 0;
  for (let chosen = 0; chosen < 2 ** filterNames.length; chosen++) {
    const filters = Object.fromEntries(
      filterNames.filter((_, bit) => chosen & (1 << bit)).map(name => [name, [...filterValues[name]]]),
    );
    for (const order of ['host', 'worst'] as const) {
      const query: FindingQuery = {...filters, order, limit: 2};
      const found = plansOf(database, reader => allPages(reader, query));
      for (const {sql, steps} of found) {
        plans++;
        t.false(
          steps.some(step => /^SCAN|TEMP B-TREE/.test(step)),
          `${JSON.stringify(query)}\n${sql}\n${steps.join('\n')}`,
        );
      }
    }
  }
  t.true(plans > 100);
});

test('listChanges() and listHosts() read no more than a page from their indexes', t => {
  const database = emptyDatabase();
  addHost(database, 'h1');
  const add = database.prepare("INSERT INTO change VALUES ('h1', 1, ?, 0, 'rule', 'subject', ?, 'fail', NULL, 1, ?)");
  for (let n = 1; n <= 9; n++) add.run(n, n % 2 === 0 ? 'pass' : null, n);
  const queries = [{}, {host: 'h1'}, {rule: 'rule'}, {host: 'h1', rule: 'rule'}, {only: 'verdict' as const}];
  for (const query of queries) {
    const plans = plansOf(database, reader => {
      const seen: number[] = [];
      let cursor: string | undefined;
      do {
        const page = listChanges(reader, {...query, limit: 2, ...(cursor === undefined ? {} : {cursor})});
        seen.push(...page.changes.map(({n}) => n));
        cursor = page.next ?? undefined;
      } while (cursor !== undefined);
      t.deepEqual(seen, 'only' in query ? [8, 6, 4, 2] : [9, 8, 7, 6, 5, 4, 3, 2, 1], JSON.stringify(query));
    });
    for (const {sql, steps} of plans) {
      t.false(
        steps.some(step => step.includes('TEMP B-TREE') || /^SCAN change$/.test(step)),
        `${sql}\n${steps.join('\n')}`,
      );
    }
  }
  for (const {sql, steps} of plansOf(database, reader => listHosts(reader, {limit: 1}, 1))) {
    t.false(
      steps.some(step => step.includes('ORDER BY') || step.includes('SCAN finding')),
      `${sql}\n${steps.join('\n')}`,
    );
  }
});

test('the counts of a host follow every insert, change and removal of its findings', t => {
  const {database, rows} = filled(9);
  const {pick} = dice(99);
  for (let step = 0; step < 300; step++) {
    const {host, finding} = pick(rows);
    if (pick([true, false, false])) {
      database.prepare('DELETE FROM finding WHERE host = ? AND rule = ?').run(host, finding.rule);
    } else {
      put(database, {host, finding: {...finding, verdict: pick(verdicts), severity: pick(severities)}});
    }
  }
  const kept = database.prepare(
    'SELECT host, verdict, severity, count FROM host_count WHERE count > 0 ORDER BY 1, 2, 3',
  );
  const counted = database.prepare(
    'SELECT host, verdict, severity, count(*) AS count FROM finding GROUP BY host, verdict, severity ORDER BY 1, 2, 3',
  );
  t.deepEqual(kept.all(), counted.all());
  const total = readTotals(makeReader(database), 1).findings.reduce((sum, {count}) => sum + count, 0);
  t.is(total, database.prepare('SELECT count(*) AS n FROM finding').get()?.n as number);
});

test('listHosts() pages by name, filters by a part of it, and leaves removed hosts out unless asked', t => {
  const database = emptyDatabase();
  for (const [id, name] of [
    ['1', 'web-b'],
    ['2', 'web-a'],
    ['3', 'db'],
    ['4', 'web-a'],
  ] as const)
    addHost(database, id, name);
  database.exec("UPDATE host SET state = 'removed' WHERE id = '3'");
  const reader = makeReader(database);
  const ids = (query: Parameters<typeof listHosts>[1]) => listHosts(reader, query, 1).hosts.map(({id}) => id);
  t.deepEqual(ids({}), ['2', '4', '1']);
  const first = listHosts(reader, {limit: 2}, 1);
  t.deepEqual(ids({limit: 2, cursor: first.next as string}), ['1']);
  t.deepEqual(ids({state: 'removed'}), ['3']);
  t.deepEqual(ids({text: 'B-A'}), ['2', '4']);
  t.deepEqual(ids({name: 'web-b'}), ['1']);
});
