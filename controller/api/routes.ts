import type {Static, TObject, TSchema} from 'typebox';
import * as Type from 'typebox';
import type {Liveness} from '../connections/liveness.ts';
import {
  changePage,
  changeQuery,
  findingPage,
  findingQuery,
  type HostInfo,
  hostDetail,
  hostPage,
  hostQuery,
  newToken,
  rulePage,
  ruleQuery,
  stateRequest,
  type TokenRequest,
  tokenList,
  tokenRequest,
  totals,
} from '../protocol/api.ts';
import {limits} from '../protocol/limits.ts';
import {cursors, readCursor} from '../store/read/cursor.ts';
import type {NewToken, Store} from '../store/store.ts';
import type {Caller, Scope} from './access.ts';
import {type ApiErrorCode, ApiFailure} from './errors.ts';
import {metricsOf, writeMetrics} from './metrics.ts';

/** What the handlers work with. */
export type Tools = {
  store: Store;
  liveness: Liveness | null;
  /** The line that enrols a host with this token; null when hosts have no address at which they could connect. */
  ticket(token: string): string | null;
  isAvailable(now: number): Promise<boolean>;
  /** Wrong tokens since the start. */
  refusedTokens(): number;
  /** Of the API, as OpenAPI. */
  description: {[key: string]: unknown};
};

type Asked<Q, B> = {query: Q; body: B; id: string; caller: Caller; now: number};

/** One thing that the API can do. Its checks, its description in OpenAPI and the tests come from this table. */
export type Route = {
  method: 'GET' | 'POST' | 'DELETE';
  /** `{id}` stands for one segment. */
  path: string;
  operation: string;
  summary: string;
  /** Null needs no token. */
  scope: Scope | null;
  query: TObject;
  body: TObject | null;
  status: 200 | 201 | 204;
  /** Null is an answer without a body; a text is written as it is. */
  answer: {name: string; schema: TSchema} | 'text' | null;
  /** Which refusals it has beside those that any request can meet. */
  failures: readonly ApiErrorCode[];
  handle(tools: Tools, asked: Asked<unknown, unknown>): Promise<unknown>;
};

const nothing = Type.Object({}, {additionalProperties: false});
export const health = Type.Object({status: Type.Enum(['ok', 'unavailable'])});
const description = Type.Object(
  {openapi: Type.String(), paths: Type.Object({})},
  {description: 'OpenAPI 3.1', additionalProperties: true},
);

function route<Q extends TObject = typeof nothing, B extends TObject = typeof nothing>(
  definition: Omit<Route, 'query' | 'body' | 'handle' | 'failures'> & {
    query?: Q;
    body?: B;
    failures?: readonly ApiErrorCode[];
    handle(tools: Tools, asked: Asked<Static<Q>, Static<B>>): Promise<unknown>;
  },
): Route {
  const {query = nothing, body = null, failures = [], handle, ...rest} = definition;
  return {...rest, query, body, failures, handle: handle as Route['handle']};
}

export const routes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/healthz',
    operation: 'health',
    summary: 'Whether the controller can store and answer; says nothing else',
    scope: null,
    status: 200,
    answer: {name: 'Health', schema: health},
    failures: ['UNAVAILABLE'],
    async handle({isAvailable}, {now}) {
      if (!(await isAvailable(now))) throw new ApiFailure('UNAVAILABLE');
      return {status: 'ok'};
    },
  }),
  route({
    method: 'GET',
    path: '/metrics',
    operation: 'metrics',
    summary: 'Sums for Prometheus, in its text format 0.0.4',
    scope: 'read',
    status: 200,
    answer: 'text',
    async handle({store, liveness, refusedTokens}, {now}) {
      return writeMetrics(metricsOf(await store.totals(now), liveness?.counters() ?? null, refusedTokens()));
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/openapi.json',
    operation: 'describe',
    summary: 'This description',
    scope: null,
    status: 200,
    answer: {name: 'Description', schema: description},
    async handle(tools) {
      return tools.description;
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/totals',
    operation: 'readTotals',
    summary: 'Sums over all hosts',
    scope: 'read',
    status: 200,
    answer: {name: 'Totals', schema: totals},
    async handle({store, liveness}, {now}) {
      const sums = await store.totals(now);
      return liveness === null ? sums : {...sums, connected: liveness.counters().hosts};
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/hosts',
    operation: 'listHosts',
    summary: 'Hosts by name; removed ones only when they are asked for',
    scope: 'read',
    query: hostQuery,
    status: 200,
    answer: {name: 'HostPage', schema: hostPage},
    async handle({store, liveness}, {query, now}) {
      refuseBadCursor(cursors.hosts, query.cursor);
      const page = await store.hosts(query, now);
      return {...page, hosts: page.hosts.map(host => withLiveness(host, liveness))};
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/hosts/{id}',
    operation: 'readHost',
    summary: 'One host, with its inventory, packs and gaps',
    scope: 'read',
    status: 200,
    answer: {name: 'HostDetail', schema: hostDetail},
    failures: ['HOST_UNKNOWN'],
    async handle({store, liveness}, {id, now}) {
      const host = await store.hostDetail(id, now);
      if (host === null) throw new ApiFailure('HOST_UNKNOWN');
      return withLiveness(host, liveness);
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/hosts/{id}/state',
    operation: 'setHostState',
    summary: 'Ends the freeze of a host, or removes it for ever',
    scope: 'admin',
    body: stateRequest,
    status: 200,
    answer: {name: 'HostDetail', schema: hostDetail},
    failures: ['HOST_UNKNOWN', 'HOST_REMOVED'],
    async handle({store, liveness}, {id, body, caller, now}) {
      const before = await store.hostDetail(id, now);
      if (before === null) throw new ApiFailure('HOST_UNKNOWN');
      if (before.state === 'removed' && body.state === 'active') throw new ApiFailure('HOST_REMOVED');
      if (before.state !== body.state) await store.setHostState(id, body.state, caller.name);
      if (body.state === 'removed') liveness?.disconnect(id, 'HOST_UNKNOWN');
      const after = await store.hostDetail(id, now);
      if (after === null) throw new ApiFailure('HOST_UNKNOWN');
      return withLiveness(after, liveness);
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/findings',
    operation: 'listFindings',
    summary: 'Findings of all hosts, filtered',
    scope: 'read',
    query: findingQuery,
    status: 200,
    answer: {name: 'FindingPage', schema: findingPage},
    async handle({store}, {query}) {
      const cursor = refuseBadCursor(cursors.findings, query.cursor);
      if (cursor !== null && cursor[0] !== (query.order ?? 'host')) {
        throw new ApiFailure('BAD_CURSOR', 'the cursor is of another order');
      }
      return store.findings(query);
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/changes',
    operation: 'listChanges',
    summary: 'What changed, the newest first',
    scope: 'read',
    query: changeQuery,
    status: 200,
    answer: {name: 'ChangePage', schema: changePage},
    async handle({store}, {query}) {
      refuseBadCursor(cursors.changes, query.cursor);
      return store.changes(query);
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/rules',
    operation: 'listRules',
    summary: 'The rules that hosts have, each once',
    scope: 'read',
    query: ruleQuery,
    status: 200,
    answer: {name: 'RulePage', schema: rulePage},
    async handle({store}, {query}) {
      refuseBadCursor(cursors.rules, query.cursor);
      return store.rules(query);
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/tokens',
    operation: 'listTokens',
    summary: 'Tokens, the newest first; their secrets are not kept',
    scope: 'admin',
    status: 200,
    answer: {name: 'TokenList', schema: tokenList},
    async handle({store}) {
      return {tokens: await store.listTokens()};
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/tokens',
    operation: 'createToken',
    summary: 'Makes a token for the API or for enrolment; the answer shows its secret this once',
    scope: 'admin',
    body: tokenRequest,
    status: 201,
    answer: {name: 'NewToken', schema: newToken},
    async handle({store, ticket}, {body, caller, now}) {
      const request = newTokenOf(body, caller, now);
      const {id, token} = await store.createToken(request, now);
      const expiresAt = new Date(request.expiresAt).toISOString();
      return {id, token, ticket: body.kind === 'enrol' ? ticket(token) : null, expiresAt};
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/tokens/{id}',
    operation: 'revokeToken',
    summary: 'Revokes a token at once',
    scope: 'admin',
    status: 204,
    answer: null,
    failures: ['TOKEN_UNKNOWN'],
    async handle({store}, {id, now}) {
      if (!(await store.revokeToken(id, now))) throw new ApiFailure('TOKEN_UNKNOWN');
      return null;
    },
  }),
];

function refuseBadCursor<S extends TSchema>(schema: S, cursor: string | undefined): Static<S> | null {
  if (cursor === undefined) return null;
  const key = readCursor(schema, cursor);
  if (key === null) throw new ApiFailure('BAD_CURSOR');
  return key;
}

/** The database is told of a connection at most once a minute; the connections know it now. */
function withLiveness<T extends HostInfo>(host: T, liveness: Liveness | null): T {
  if (liveness === null) return host;
  const seenAt = liveness.seenAt(host.id);
  return {
    ...host,
    connected: liveness.isConnected(host.id),
    lastSeenAt: seenAt === null ? host.lastSeenAt : new Date(seenAt).toISOString(),
  };
}

function newTokenOf({kind, name, scope, expiresIn, uses}: TokenRequest, caller: Caller, now: number): NewToken {
  const wrong = (message: string) => new ApiFailure('BAD_BODY', message);
  const [expiresAt, createdBy] = [now + expiresIn * 1000, caller.name];
  if (kind === 'enrol') {
    if (scope !== undefined) throw wrong('field "scope": an enrolment token has none');
    const most = limits.enrolTokenMs / 1000;
    if (expiresIn > most) throw wrong(`field "expiresIn": at most ${most} for an enrolment token`);
    return {kind, name, scope: 'enrol', expiresAt, uses: uses ?? 1, createdBy};
  }
  if (uses !== undefined) throw wrong('field "uses": only an enrolment token has it');
  return {kind, name, scope: scope ?? 'read', expiresAt, uses: null, createdBy};
}
