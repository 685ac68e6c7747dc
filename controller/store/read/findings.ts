import type {SQLInputValue} from 'node:sqlite';
import type {FindingInfo, FindingPage, FindingQuery} from '../../protocol/api.ts';
import {parseJson} from '../../protocol/codec.ts';
import {severities, severityNumber} from '../severity.ts';
import {cursors, keyOf, writeCursor} from './cursor.ts';
import {placeholders, type Reader, timeText} from './reader.ts';

type Verdict = FindingInfo['finding']['verdict'];
type Key = {host: string; rule: string; subject: string};
type Kind = {verdict: Verdict; severity: number};

/** In the order `worst`. */
const worstFirst: readonly Verdict[] = ['fail', 'error', 'unknown', 'waived', 'not-applicable', 'pass'];

/**
 * One page of findings. Every answer is put together from runs: rows that stand side by side in one index, in the order
 * of the page. So a page costs what it shows, however many findings there are; a filter that names a host reads that
 * host's findings at most.
 */
export function listFindings(reader: Reader, query: FindingQuery): FindingPage {
  const limit = query.limit ?? 100;
  const after = keyOf(cursors.findings, query.cursor);
  const keys: Key[] = [];
  let last: (string | number)[] = [];
  for (const {kind, runs} of groupsOf(reader, query)) {
    const bound = boundIn(after, kind);
    if (bound === 'before') continue;
    for (const key of merged(runs.map(run => rowsOf(reader, run, bound, limit + 1)))) {
      if (keys.length === limit) {
        return {findings: keys.map(found => findingOf(reader, found)).filter(isThere), next: writeCursor(last)};
      }
      keys.push(key);
      const place = [key.host, key.rule, key.subject];
      last = kind === null ? ['host', ...place] : ['worst', kind.verdict, kind.severity, ...place];
    }
  }
  return {findings: keys.map(found => findingOf(reader, found)).filter(isThere), next: null};
}

const isThere = (finding: FindingInfo | null): finding is FindingInfo => finding !== null;

/** Rows that are side by side in one index: `fixed` columns are equal in all of them, `also` says which are wanted. */
type Run = {
  index: 'finding_by_verdict' | 'finding_by_rule' | 'finding_by_pack' | null;
  fixed: Partial<Key & Kind & {pack: string}>;
  also: Array<{column: string; values: (string | number)[]}>;
};

/** Groups follow each other on the page; inside one, runs are merged. */
type Group = {kind: Kind | null; runs: Run[]};

function groupsOf(reader: Reader, query: FindingQuery): Group[] {
  const kinds = worstFirst
    .filter(verdict => query.verdict?.includes(verdict) ?? true)
    .flatMap(verdict =>
      severities
        .toReversed()
        .filter(severity => query.severity?.includes(severity) ?? true)
        .map(severity => ({verdict, severity: severityNumber(severity)})),
    );
  const hosts = query.host === undefined ? null : hostIds(reader, query.host);
  if (query.order === 'worst') return kinds.map(kind => ({kind, runs: runsOfKind(kind, hosts, query)}));
  if (hosts !== null) {
    return hosts.map(host => ({kind: null, runs: [{index: null, fixed: {host}, also: residues(query)}]}));
  }
  const isFiltered = [query.rule, query.pack, query.verdict, query.severity].some(values => values !== undefined);
  if (!isFiltered) return [{kind: null, runs: [{index: null, fixed: {}, also: []}]}];
  return [{kind: null, runs: kinds.flatMap(kind => runsOfKind(kind, null, query))}];
}

function runsOfKind(kind: Kind, hosts: string[] | null, query: FindingQuery): Run[] {
  const [rule, pack] = [distinct(query.rule), distinct(query.pack)];
  const also = [...wanted('rule', rule), ...wanted('pack', pack)];
  if (hosts !== null) return hosts.map(host => ({index: 'finding_by_verdict', fixed: {...kind, host}, also}));
  if (rule !== undefined) {
    return rule.map(id => ({index: 'finding_by_rule', fixed: {rule: id, ...kind}, also: wanted('pack', pack)}));
  }
  if (pack !== undefined) return pack.map(name => ({index: 'finding_by_pack', fixed: {pack: name, ...kind}, also: []}));
  return [{index: 'finding_by_verdict', fixed: kind, also: []}];
}

const residues = ({rule, pack, verdict, severity}: FindingQuery): Run['also'] => [
  ...wanted('rule', rule),
  ...wanted('pack', pack),
  ...wanted('verdict', verdict),
  ...wanted('severity', severity?.map(severityNumber)),
];
const wanted = (column: string, values: (string | number)[] | undefined): Run['also'] =>
  values === undefined ? [] : [{column, values}];
const distinct = (values: string[] | undefined) => (values === undefined ? undefined : [...new Set(values)]);

/** Hosts are filtered by id or by name. In the order of the page. */
function hostIds(reader: Reader, hosts: string[]): string[] {
  const find = reader.prepare('SELECT id FROM host WHERE id = ? UNION SELECT id FROM host WHERE name = ?');
  const ids = hosts.flatMap(host => find.all(host, host).map(row => row.id as string));
  return [...new Set(ids)].sort(compareText);
}

/** From where a group is read: its start (null), behind a key, or not at all as the page before went beyond it. */
function boundIn(after: ReturnType<typeof keyOf<typeof cursors.findings>>, kind: Kind | null): Key | null | 'before' {
  if (after === null) return null;
  if ((after[0] === 'worst') !== (kind !== null)) throw new RangeError('the cursor is of another order');
  const [host, rule, subject] = after.slice(-3) as [string, string, string];
  if (after[0] === 'host' || kind === null) return {host, rule, subject};
  const place = (of: {verdict: string; severity: number}) =>
    worstFirst.indexOf(of.verdict as Verdict) * severities.length - of.severity;
  const difference = place(kind) - place({verdict: after[1], severity: after[2]});
  if (difference < 0) return 'before';
  return difference > 0 ? null : {host, rule, subject};
}

/** The keys of a run behind `bound`, a chunk at a time: most runs of a merge are never read further than their first. */
function* rowsOf(reader: Reader, run: Run, bound: Key | null, most: number): Generator<Key> {
  const fixed = Object.entries(run.fixed) as Array<[string, string | number]>;
  const rest = (['host', 'rule', 'subject'] as const).filter(column => run.fixed[column] === undefined);
  let from = startOf(run, rest, bound);
  for (let chunk = Math.min(16, most); from !== null; chunk = Math.min(chunk * 4, most)) {
    const conditions = [
      ...fixed.map(([column]) => `${column} = ?`),
      `(${rest.join(', ')}) ${from.operator} (${placeholders(rest)})`,
      // The plus keeps these from choosing another index, which would have to be sorted.
      ...run.also.map(({column, values}) => `+${column} IN (${placeholders(values)})`),
    ];
    const rows = reader
      .prepare(
        `SELECT host, rule, subject FROM finding ${run.index === null ? '' : `INDEXED BY ${run.index}`}
        WHERE ${conditions.join(' AND ')} ORDER BY ${rest.join(', ')} LIMIT ?`,
      )
      .all(
        ...fixed.map(([, value]) => value),
        ...from.values,
        ...run.also.flatMap(({values}) => values),
        chunk,
      ) as Key[];
    yield* rows;
    const last = rows.at(-1);
    from = rows.length < chunk || last === undefined ? null : {operator: '>', values: rest.map(column => last[column])};
  }
}

/** Where a run begins whose rows are behind `bound`; null when all of them are before it. */
function startOf(
  {fixed}: Run,
  rest: readonly (keyof Key)[],
  bound: Key | null,
): {operator: '>' | '>='; values: SQLInputValue[]} | null {
  const whole = {operator: '>=', values: rest.map(() => '')} as const;
  if (bound === null) return whole;
  if (fixed.host !== undefined) {
    const order = compareText(fixed.host, bound.host);
    if (order !== 0) return order < 0 ? null : whole;
    return {operator: '>', values: [bound.rule, bound.subject]};
  }
  if (fixed.rule !== undefined) {
    const order = compareText(fixed.rule, bound.rule);
    if (order > 0) return {operator: '>=', values: [bound.host, '']};
    // A blob is behind every text.
    return {operator: '>', values: [bound.host, order < 0 ? new Uint8Array() : bound.subject]};
  }
  return {operator: '>', values: rest.map(column => bound[column])};
}

function* merged(runs: Array<Generator<Key>>): Generator<Key> {
  const heads = runs.flatMap(run => {
    const first = run.next();
    return first.done ? [] : [{run, key: first.value}];
  });
  while (heads.length > 0) {
    const least = heads.reduce((a, b) => (compareKeys(b.key, a.key) < 0 ? b : a));
    yield least.key;
    const next = least.run.next();
    if (next.done) heads.splice(heads.indexOf(least), 1);
    else least.key = next.value;
  }
}

const compareKeys = (a: Key, b: Key) =>
  compareText(a.host, b.host) || compareText(a.rule, b.rule) || compareText(a.subject, b.subject);

/** The order of SQLite's text: by the bytes of its UTF-8, which is not that of JavaScript. */
function compareText(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'));
}

function findingOf(reader: Reader, {host, rule, subject}: Key): FindingInfo | null {
  const row = reader
    .prepare(
      `SELECT body, observed_at_host, since_host, received_at, name, rules_document
      FROM finding JOIN host ON host.id = finding.host WHERE host = ? AND rule = ? AND subject = ?`,
    )
    .get(host, rule, subject);
  if (row === undefined) return null;
  const known = reader.documents.rules(row.rules_document as string | null)?.byId.get(rule);
  return {
    host,
    hostName: row.name as string,
    title: known?.title ?? null,
    why: known?.why ?? null,
    since: timeText(row.since_host as number),
    observedAt: timeText(row.observed_at_host as number),
    receivedAt: timeText(row.received_at as number),
    finding: parseJson(row.body as string) as FindingInfo['finding'],
  };
}
