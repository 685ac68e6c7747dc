import {readFileSync} from 'node:fs';
import test from 'ava';
import {apiErrors} from '../../../controller/api/errors.ts';
import {routes} from '../../../controller/api/routes.ts';
import {makeSite, wire} from '../../helpers/site.ts';

const page = readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8');

test('docs/api.md has an entry for each code with its status, and no other', t => {
  const entries = [...page.matchAll(/^### (\w+)\n(\d+): /gm)].map(([, code, status]) => `${code} ${status}`);
  t.deepEqual(
    entries,
    Object.entries(apiErrors).map(([code, {status}]) => `${code} ${status}`),
  );
});

test('docs/api.md lists each route with its scope, and no other', t => {
  const entries = [...page.matchAll(/^\| `((?:GET|POST|DELETE) \S+)` \|.*\| (\w+) \|$/gm)];
  t.deepEqual(
    entries.map(([, route, scope]) => `${route} ${scope}`).sort(),
    routes.map(({method, path, scope}) => `${method} ${path} ${scope ?? 'none'}`).sort(),
  );
});

test('docs/api.md names every key by which lists are filtered', t => {
  for (const {operation, query} of routes.filter(({path, method}) => path.startsWith('/api/') && method === 'GET')) {
    const of = operation.replace('list', '').toLowerCase();
    const row = page.split('\n').find(line => line.startsWith(`| ${of} |`)) ?? '';
    for (const key of Object.keys(query.properties).filter(name => name !== 'limit' && name !== 'cursor')) {
      t.true(row.includes(`\`${key}\``), `${operation} ${key}`);
    }
  }
});

test('docs/api.md: what its examples ask for is answered', async t => {
  const site = await makeSite(t);
  const id = await site.host('web1');
  await site.report(id, [wire({rule: 'a'}), wire({rule: 'b'})]);
  const token = await site.token('admin');
  const first = (await (await site.ask('/api/v1/findings?limit=1', {token})).json()) as {next: string};
  const known = (await site.store.listTokens()).find(({kind}) => kind === 'enrol');
  const values: {[name: string]: string} = {next: first.next, id: known?.id ?? ''};
  const commands = page.replaceAll('\\\n', ' ').match(/^ {4}curl .*$/gm) ?? [];
  t.true(commands.length > 8);
  for (const command of commands) {
    const path = /(?:"\$url|http:\/\/localhost)([^"\s]+)/
      .exec(command)?.[1]
      ?.replace(/\$(\w+)/g, (_, name) => values[name] ?? '');
    const body = /-d '([^']+)'/.exec(command)?.[1];
    const method = /-X (\w+)/.exec(command)?.[1] ?? (body === undefined ? 'GET' : 'POST');
    const headers = {'Content-Type': 'application/json'};
    const answer = await site.ask(path as string, {method, token, ...(body === undefined ? {} : {body, headers})});
    t.true(answer.ok, `${answer.status}: ${command}`);
  }
});

test('docs/api.md lists each metric with its type, and no other', async t => {
  const liveness = {isConnected: () => false, seenAt: () => null, disconnect() {}, counters: () => counters};
  const site = await makeSite(t, {liveness});
  const text = await (await site.ask('/metrics', {token: await site.token('read')})).text();
  const told = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
  const listed = [...page.matchAll(/^\| `(\w+)` \| (counter|gauge) \|/gm)].map(([, name, type]) => `${name} ${type}`);
  t.deepEqual(listed, told);
  t.true(text.includes('reeve_hosts_connected 7\n'));
});

const counters = {
  sockets: 9,
  strangers: 2,
  hosts: 7,
  accepted: 8,
  refusedUpgrades: {503: 1},
  evicted: 0,
  refused: {PROTOCOL: 1},
  messages: {batch: 5},
  batches: 5,
  duplicateBatches: 1,
  items: 50,
  receivedBytes: 5000,
  resyncs: 0,
  settledOtherwise: 0,
  storeQueue: 0,
  eventLoopLagMs: {mean: 1, p99: 2, max: 3},
};
