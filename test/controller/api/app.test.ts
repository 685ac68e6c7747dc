import test from 'ava';
import {Value} from 'typebox/value';
import {apiErrors} from '../../../controller/api/errors.ts';
import {failuresOf} from '../../../controller/api/openapi.ts';
import {routes} from '../../../controller/api/routes.ts';
import {apiError} from '../../../controller/protocol/api.ts';
import {makeToken} from '../../../controller/protocol/join.ts';
import {inventory, makeSite, rulesOf, type Site, wire} from '../../helpers/site.ts';

type Answer = {status: number; headers: Headers; body: never};

async function ask(site: Site, path: string, init: Parameters<Site['ask']>[1] = {}): Promise<Answer> {
  const response = await site.ask(path, init);
  const text = await response.text();
  const isJson = response.headers.get('content-type') === 'application/json';
  return {
    status: response.status,
    headers: response.headers,
    body: (isJson && text !== '' ? JSON.parse(text) : text) as never,
  };
}

const codeOf = ({body}: Answer) => (body as {error?: {code: string}}).error?.code;
const json = (body: unknown) => ({
  method: 'POST',
  body: JSON.stringify(body),
  headers: {'Content-Type': 'application/json'},
});

/** A site with two hosts, one of which has everything that can be known of a host. */
async function busySite(t: Parameters<typeof makeSite>[0]): Promise<Site & {id: string}> {
  const site = await makeSite(t);
  const id = await site.host('web-1');
  await site.rules(id, rulesOf({id: 'ssh.root', title: 'Root does not log in'}, {id: 'files.passwd'}));
  await site.inventory(id, inventory);
  await site.report(id, [
    wire({rule: 'files.passwd', cure: 'chmod 0644 /etc/passwd'}),
    wire({rule: 'ssh.root', verdict: 'pass', severity: 'high', wrong: []}),
    {rule: 'mac.mode', pack: 'mac', severity: 'low', subject: 'x', verdict: 'unknown', reason: 'no right to look'},
    {rule: 'bad', pack: 'mac', severity: 'critical', subject: 'x', verdict: 'error', error: {code: 'E', message: 'm'}},
  ]);
  await site.report(id, [wire({rule: 'ssh.root', severity: 'high', verdict: 'fail'})]);
  const other = await site.host('web-2');
  await site.report(other, [wire({rule: 'files.passwd', verdict: 'pass', wrong: []})]);
  return {...site, id};
}

/** Paths and bodies with which each route does its work. */
function requestOf(operation: string, id: string): {path: string; init: RequestInit} {
  const route = routes.find(one => one.operation === operation);
  const body: {[operation: string]: unknown} = {
    createToken: {kind: 'enrol', name: 'web', expiresIn: 600, uses: 3},
    setHostState: {state: 'active'},
  };
  const {method, path} = route as (typeof routes)[number];
  return {
    path: path.replace('{id}', id),
    init: body[operation] === undefined ? {method} : {...json(body[operation]), method},
  };
}

test('every route answers, and what it answers has the shape that it describes', async t => {
  const site = await busySite(t);
  const token = await site.token('admin');
  for (const {operation, answer, status, scope} of routes) {
    const tokenId = (
      await site.store.createToken(
        {kind: 'api', name: 'x', scope: 'read', expiresAt: Date.now() + 60_000, uses: null, createdBy: 't'},
        Date.now(),
      )
    ).id;
    const {path, init} = requestOf(operation, operation === 'revokeToken' ? tokenId : site.id);
    const {status: found, headers, body} = await ask(site, path, {...init, ...(scope === null ? {} : {token})});
    t.is(found, status, operation);
    if (answer !== null && answer !== 'text') {
      t.deepEqual([...Value.Errors(answer.schema, body)], [], operation);
      t.is(headers.get('content-type'), 'application/json');
    }
  }
});

test('who may do what: every route, for every kind of token', async t => {
  let clock = Date.parse('2026-01-01T00:00:00Z');
  const site = await makeSite(t, {now: () => clock});
  const id = await site.host('web-1');
  const [read, admin, expired] = [
    await site.token('read', 3_600_000),
    await site.token('admin'),
    await site.token('admin', 1_000),
  ];
  const made = await site.store.createToken(
    {kind: 'api', name: 'r', scope: 'admin', expiresAt: clock + 9e6, uses: null, createdBy: 't'},
    clock,
  );
  await site.store.revokeToken(made.id, clock);
  const enrol = await site.store.createToken(
    {kind: 'enrol', name: 'e', scope: 'enrol', expiresAt: clock + 9e6, uses: 5, createdBy: 't'},
    clock,
  );
  clock += 2_000;
  const bad = {
    expired,
    revoked: made.token,
    enrol: enrol.token,
    unknown: makeToken('api'),
    mistyped: `${read.slice(0, -1)}x`,
    empty: '',
  };
  for (const {operation, scope} of routes.filter(route => route.scope !== null)) {
    const {path, init} = requestOf(operation, id);
    const missing = await ask(site, path, init);
    t.deepEqual([missing.status, codeOf(missing)], [401, 'TOKEN_MISSING'], operation);
    t.is(missing.headers.get('www-authenticate'), 'Bearer realm="reeve"');
    for (const [kind, token] of Object.entries(bad)) {
      const refused = await ask(site, path, {...init, token});
      t.deepEqual(
        [refused.status, codeOf(refused)],
        [401, 'TOKEN_REFUSED'],
        `${operation} with a token that is ${kind}`,
      );
      clock += 3_000;
    }
    const reading = await ask(site, path, {...init, token: read});
    t.is(codeOf(reading) === 'SCOPE_TOO_SMALL', scope === 'admin', `${operation} with a token that may read`);
    t.not((await ask(site, path, {...init, token: admin})).status, 403, operation);
    for (const elsewhere of [`${path}?access_token=${admin}`, `${path}?token=${admin}`]) {
      t.is((await ask(site, elsewhere, init)).status, 401, 'a token in the query is no token');
    }
    const cookie = await ask(site, path, {...init, headers: {...init.headers, Cookie: `token=${admin}`}});
    t.is(cookie.status, 401, 'a token in a cookie is no token');
  }
});

test('a revoked token ends with the next request', async t => {
  const site = await makeSite(t);
  const admin = await site.token('admin');
  const made = await ask(site, '/api/v1/tokens', {...json({kind: 'api', name: 'short', expiresIn: 600}), token: admin});
  const {id, token} = made.body as {id: string; token: string};
  t.is((await ask(site, '/api/v1/hosts', {token})).status, 200);
  t.is((await ask(site, `/api/v1/tokens/${id}`, {method: 'DELETE', token: admin})).status, 204);
  t.is((await ask(site, '/api/v1/hosts', {token})).status, 401);
  const again = await ask(site, `/api/v1/tokens/${id}`, {method: 'DELETE', token: admin});
  t.is(codeOf(again), 'TOKEN_UNKNOWN');
});

test('tokens are listed without anything that could be shown as one, and say when they were last used', async t => {
  let clock = Date.parse('2026-01-01T00:00:00Z');
  const site = await makeSite(t, {now: () => clock});
  const admin = await site.token('admin', 9e6);
  const read = await site.token('read', 9e6);
  await ask(site, '/api/v1/hosts', {token: read});
  clock += 30_000;
  await ask(site, '/api/v1/hosts', {token: read});
  const list = async () =>
    (await ask(site, '/api/v1/tokens', {token: admin})).body as {tokens: Array<{name: string; lastUsedAt: string}>};
  const first = await list();
  t.false(JSON.stringify(first).includes(read.slice(10)));
  t.is(
    first.tokens.find(({name}) => name === 'read')?.lastUsedAt,
    '2026-01-01T00:00:00.000Z',
    'not written twice a minute',
  );
  clock += 31_000;
  await ask(site, '/api/v1/hosts', {token: read});
  t.is((await list()).tokens.find(({name}) => name === 'read')?.lastUsedAt, '2026-01-01T00:01:01.000Z');
});

test('createToken: what a token may be', async t => {
  const site = await makeSite(t);
  const token = await site.token('admin');
  const make = (body: unknown) => ask(site, '/api/v1/tokens', {...json(body), token});
  const enrol = await make({kind: 'enrol', name: 'web', expiresIn: 3600});
  t.is(enrol.status, 201);
  const {token: secret, ticket} = enrol.body as {token: string; ticket: string};
  t.is(ticket, `ticket of ${secret}`);
  const refusals: Array<[unknown, RegExp]> = [
    [{kind: 'enrol', name: 'web', expiresIn: 3601}, /"expiresIn": at most 3600/],
    [{kind: 'enrol', name: 'web', expiresIn: 600, scope: 'read'}, /"scope"/],
    [{kind: 'api', name: 'me', expiresIn: 600, uses: 2}, /"uses"/],
    [{kind: 'api', name: 'me', expiresIn: 600, scope: 'root'}, /"scope".*one of read, admin/],
    [{kind: 'api', name: '', expiresIn: 600}, /"name"/],
    [{kind: 'api', name: 'a\nb', expiresIn: 600}, /"name"/],
    [{kind: 'api', name: 'me', expiresIn: 366 * 86_400 + 1}, /"expiresIn"/],
    [{kind: 'api', name: 'me', expiresIn: 600, admin: true}, /"admin": unknown/],
    [{kind: 'api', name: 'me'}, /"expiresIn" missing/],
    [[], /field/],
    ['text', /no JSON object/],
  ];
  for (const [body, message] of refusals) {
    const answer = await make(body);
    t.deepEqual([answer.status, codeOf(answer)], [400, 'BAD_BODY'], JSON.stringify(body));
    t.regex((answer.body as {error: {message: string}}).error.message, message);
  }
});

test('setHostState ends a freeze and removes for ever', async t => {
  const site = await busySite(t);
  const token = await site.token('admin');
  const set = (state: string, id = site.id) => ask(site, `/api/v1/hosts/${id}/state`, {...json({state}), token});
  await site.store.freeze(site.id, 'two machines use its key');
  const frozen = (await ask(site, `/api/v1/hosts/${site.id}`, {token})).body as {state: string; stateReason: string};
  t.like(frozen, {state: 'frozen', stateReason: 'two machines use its key'});
  t.like((await set('active')).body, {state: 'active', stateReason: null});
  t.like((await set('removed')).body, {state: 'removed', stateReason: 'removed by token admin'});
  t.is(codeOf(await set('active')), 'HOST_REMOVED');
  t.is(codeOf(await set('active', 'nobody')), 'HOST_UNKNOWN');
  t.is(codeOf(await set('frozen')), 'BAD_BODY');
  const {findings} = (await ask(site, '/api/v1/findings', {token})).body as {findings: Array<{hostName: string}>};
  t.deepEqual(
    findings.map(({hostName}) => hostName),
    ['web-2'],
  );
});

test('findings come with the titles of their rules, filtered and in pages', async t => {
  const site = await busySite(t);
  const token = await site.token('read');
  const rules = async (query: string) =>
    (
      (await ask(site, `/api/v1/findings?${query}`, {token})).body as {findings: Array<{finding: {rule: string}}>}
    ).findings.map(({finding}) => finding.rule);
  t.deepEqual(await rules('order=worst&host=web-1'), ['ssh.root', 'files.passwd', 'bad', 'mac.mode']);
  t.deepEqual(await rules('verdict=fail&verdict=error&severity=critical&severity=high'), ['bad', 'ssh.root']);
  t.deepEqual(await rules('pack=mac&host=web-2'), []);
  const page = (await ask(site, '/api/v1/findings?rule=ssh.root', {token})).body as {findings: unknown[]};
  t.like(page.findings[0], {title: 'Root does not log in', why: 'why ssh.root', hostName: 'web-1'});
  const first = (await ask(site, '/api/v1/findings?limit=3', {token})).body as {next: string};
  t.is((await rules(`limit=3&cursor=${first.next}`)).length, 2);
  const changes = (await ask(site, '/api/v1/changes?only=verdict', {token})).body as {changes: object[]};
  t.is(changes.changes.length, 1);
  t.like(changes.changes[0], {rule: 'ssh.root', before: 'pass', after: 'fail', hostName: 'web-1'});
  const known = (await ask(site, '/api/v1/rules?text=log+IN', {token})).body as {rules: Array<{id: string}>};
  t.deepEqual(
    known.rules.map(({id}) => id),
    ['ssh.root'],
  );
});

test('a query with an unknown key or a wrong value is refused with the place', async t => {
  const site = await makeSite(t);
  const token = await site.token('read');
  const refusals: Array<[path: string, code: string, message: RegExp]> = [
    ['findings?verdcit=fail', 'BAD_QUERY', /unknown query key "verdcit": host, pack/],
    ['findings?verdict=fail&verdict=broken', 'BAD_QUERY', /"verdict", value 2: one of pass, fail/],
    ['findings?limit=501', 'BAD_QUERY', /"limit".*500/],
    ['findings?limit=1e2', 'BAD_QUERY', /"limit"/],
    ['findings?limit=', 'BAD_QUERY', /"limit"/],
    ['findings?limit=1&limit=2', 'BAD_QUERY', /"limit" is given twice/],
    ['findings?rule=', 'BAD_QUERY', /"rule", value 1/],
    [`findings?${'rule=a&'.repeat(51)}`, 'BAD_QUERY', /"rule"/],
    ['findings?cursor=AAAA', 'BAD_CURSOR', /cursor/],
    ['findings?cursor=%00', 'BAD_CURSOR', /cursor/],
    [`findings?order=worst&cursor=${Buffer.from('["host","a","b","c"]').toString('base64url')}`, 'BAD_CURSOR', /order/],
    [`hosts?cursor=${Buffer.from('["host","a","b","c"]').toString('base64url')}`, 'BAD_CURSOR', /cursor/],
    [`changes?cursor=${Buffer.from('[1,"a",1,1,-1]').toString('base64url')}`, 'BAD_CURSOR', /cursor/],
    ['findings?__proto__=1', 'BAD_QUERY', /"__proto__"/],
    ['hosts?%3Cscript%3E=1', 'BAD_QUERY', /"\\u\{3c\}script\\u\{3e\}"/],
    ['openapi.json?x=1', 'BAD_QUERY', /none is known here/],
  ];
  for (const [path, code, message] of refusals) {
    const answer = await ask(site, `/api/v1/${path}`, {token});
    t.deepEqual([answer.status, codeOf(answer)], [400, code], path);
    t.regex((answer.body as {error: {message: string}}).error.message, message);
  }
});

const everywhere: {[name: string]: string} = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
};

test('every answer has the headers that keep it where it belongs, and none that tells what runs here', async t => {
  const site = await makeSite(t);
  const answers = [
    await ask(site, '/'),
    await ask(site, '/healthz'),
    await ask(site, '/api/v1/hosts'),
    await ask(site, '/nothing'),
    await ask(site, '/api/v1/hosts', {method: 'PUT'}),
    await ask(site, '/api/v1/hosts', {method: 'OPTIONS'}),
    await ask(site, '/api/v1/hosts', {headers: {Origin: 'https://evil.example'}}),
  ];
  for (const {headers, status} of answers) {
    for (const [name, value] of Object.entries(everywhere)) t.is(headers.get(name), value, `${name} of ${status}`);
    for (const name of ['server', 'x-powered-by', 'access-control-allow-origin', 'set-cookie'])
      t.false(headers.has(name));
    t.regex(headers.get('content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/);
  }
});

test('unknown paths, wrong methods, HEAD and OPTIONS', async t => {
  const site = await makeSite(t);
  const token = await site.token('read');
  for (const path of [
    '/api/v1/nothing',
    '/api/v2/hosts',
    '/api/v1/hosts/',
    '/API/v1/hosts',
    '//api/v1/hosts',
    '/api/v1/hosts/a/b',
    '/app.js',
    '/%2e%2e/etc/passwd',
    '/api/v1/hosts%2f1',
    '/api/v1/%00',
  ]) {
    const answer = await ask(site, path, {token});
    t.is(answer.status, 404, path);
    t.true(Value.Check(apiError, answer.body), path);
  }
  const wrong = await ask(site, '/api/v1/tokens', {method: 'PATCH', token});
  t.deepEqual([codeOf(wrong), wrong.headers.get('allow')], ['METHOD_NOT_ALLOWED', 'GET, HEAD, POST, OPTIONS']);
  const options = await ask(site, '/api/v1/hosts/1/state', {method: 'OPTIONS'});
  t.deepEqual([options.status, options.headers.get('allow')], [204, 'POST, OPTIONS']);
  const head = await ask(site, '/api/v1/hosts', {method: 'HEAD', token});
  t.deepEqual([head.status, head.body, head.headers.get('content-type')], [200, '' as never, 'application/json']);
  t.is((await ask(site, '/api/v1/hosts', {method: 'HEAD'})).status, 401);
});

test('/healthz says ok without a token, and unavailable when the database is gone', async t => {
  let clock = 1_000_000;
  const site = await makeSite(t, {now: () => clock});
  t.deepEqual((await ask(site, '/healthz')).body as object, {status: 'ok'});
  await site.store.close();
  clock += 2_000;
  const answer = await ask(site, '/healthz');
  t.deepEqual([answer.status, codeOf(answer)], [503, 'UNAVAILABLE']);
});

test('/metrics is in the text format that Prometheus reads', async t => {
  const site = await busySite(t);
  const {body, headers} = await ask(site, '/metrics', {token: await site.token('read')});
  t.is(headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  const text = body as string;
  for (const line of text.trimEnd().split('\n')) {
    t.regex(
      line,
      /^(# HELP [a-z_]+ .+|# TYPE [a-z_]+ (counter|gauge)|[a-z_]+(\{[a-z_]+="[^"\n]*"(,[a-z_]+="[^"\n]*")*\})? -?[0-9.e+-]+)$/,
    );
  }
  t.true(text.includes('reeve_hosts{state="active"} 2\n'));
  t.true(text.includes('reeve_findings{verdict="fail",severity="high"} 1\n'));
  t.true(text.includes('reeve_findings{verdict="pass",severity="medium"} 1\n'));
});

test('every code that a route says it refuses with is a documented one', t => {
  for (const route of routes) for (const code of failuresOf(route)) t.true(Object.hasOwn(apiErrors, code), code);
  const said = new Set<string>([...routes.flatMap(failuresOf), 'NOT_FOUND', 'METHOD_NOT_ALLOWED']);
  t.deepEqual([...said].sort(), Object.keys(apiErrors).sort());
});
