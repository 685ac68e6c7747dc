import {Hono} from 'hono';
import type {Liveness} from '../connections/liveness.ts';
import type {Log} from '../protocol/log.ts';
import type {Store} from '../store/store.ts';
import {Access, type Bindings} from './access.ts';
import {ApiFailure, failureResponse, jsonResponse} from './errors.ts';
import {everywhere} from './headers.ts';
import {readBody, readQuery} from './input.ts';
import {metricsType} from './metrics.ts';
import {openApi} from './openapi.ts';
import {refuseForeign} from './origin.ts';
import {type Page, pageResponse} from './page.ts';
import {type Route, routes, type Tools} from './routes.ts';

export type ApiOptions = {
  store: Store;
  log: Log;
  /** Names, without ports, under which people ask for this controller. Those of loopback are always taken. */
  names: readonly string[];
  /** `readPage()`; null says that it was not built. */
  page: Page | null;
  /** What the connections know; null where none are served. */
  liveness: Liveness | null;
  /** The line that enrols a host with this token; null when there is no address at which hosts could connect. */
  ticket(token: string): string | null;
  version: string;
  /** Milliseconds since 1970. */
  now?: () => number;
  /** How long a body may be under way; 10 s when it is not said. */
  bodyMs?: number;
};

/** Answers requests of any listener. Never rejects. */
export type Api = {fetch(request: Request, bindings: Bindings): Promise<Response>};

/** How long an answer about the database's health is good for, so that asking cannot load it. */
const healthMs = 1_000;
const probeMs = 3_000;

/** The page and the API. A listener calls `fetch` with what it knows of the request (`Bindings`). */
export function createApi(options: ApiOptions): Api {
  const {store, log, names, page, liveness, now = Date.now} = options;
  const access = new Access(store, log);
  const tools: Tools = {
    store,
    liveness,
    ticket: options.ticket,
    isAvailable: healthOf(store),
    refusedTokens: () => access.refused,
    description: openApi(options.version),
  };
  const app = new Hono<{Bindings: Bindings}>();
  for (const route of routes) {
    app.on(route.method, route.path.replace('{id}', ':id'), async context => {
      const at = now();
      const caller =
        route.scope === null
          ? {name: 'nobody', scope: 'read' as const}
          : await access.caller(context.req.header('authorization') ?? null, context.env, route.scope, at);
      const query = readQuery(route.query, new URL(context.req.url).searchParams);
      const body = route.body === null ? null : await readBody(route.body, context.req.raw, options.bodyMs);
      const id = context.req.param('id') ?? '';
      return answerOf(route, await route.handle(tools, {query, body, id, caller, now: at}));
    });
  }
  app.all('*', ({req}) => elsewhere(page, req.method, req.path));
  app.onError(error => failureResponse(failureOf(error, log)));

  return {
    async fetch(request, bindings) {
      let response: Response;
      try {
        const isDocument = !isApiPath(new URL(request.url).pathname);
        if (!bindings.admin) refuseForeign(request, names, isDocument);
        response = await app.fetch(request, bindings);
      } catch (error) {
        response = failureResponse(failureOf(error, log));
      }
      for (const [name, value] of Object.entries(everywhere)) {
        if (!response.headers.has(name)) response.headers.set(name, value);
      }
      return response;
    },
  };
}

const isApiPath = (path: string) => path.startsWith('/api/') || path === '/healthz' || path === '/metrics';

function answerOf({status, answer}: Route, value: unknown): Response {
  if (answer === null) return new Response(null, {status});
  if (answer === 'text') return new Response(value as string, {status, headers: {'Content-Type': metricsType}});
  return jsonResponse(value, status);
}

const patterns = [...new Set(routes.map(({path}) => path))].map(path => ({
  pattern: new RegExp(`^${path.replaceAll('.', '\\.').replace('{id}', '[^/]+')}$`),
  methods: routes
    .filter(route => route.path === path)
    .flatMap(({method}) => (method === 'GET' ? ['GET', 'HEAD'] : [method])),
}));

/** What no route took: the page's files, OPTIONS, a wrong method, or nothing. */
function elsewhere(page: Page | null, method: string, path: string): Response {
  const file = pageResponse(page, path);
  const methods = file === null ? patterns.find(({pattern}) => pattern.test(path))?.methods : ['GET', 'HEAD'];
  if (methods === undefined) throw new ApiFailure('NOT_FOUND');
  if (file !== null && methods.includes(method)) return file;
  const allow = {Allow: [...methods, 'OPTIONS'].join(', ')};
  if (method === 'OPTIONS') return new Response(null, {status: 204, headers: allow});
  throw new ApiFailure('METHOD_NOT_ALLOWED', undefined, allow);
}

/** What anything that was thrown tells a client; what it does not tell is in the log. */
function failureOf(error: unknown, log: Log): ApiFailure {
  if (error instanceof ApiFailure) return error;
  const {name, code, message, stack} = error as Error & {code?: unknown};
  if (name === 'StoreError' && code !== 'STORE_BUG') {
    log('warning', 'the database did not answer a request of the API', {code: String(code), reason: message});
    return new ApiFailure('UNAVAILABLE', undefined, {'Retry-After': '5'});
  }
  log('error', 'a request of the API met a bug', {stack: stack ?? String(error)});
  return new ApiFailure('BUG');
}

/** Asks both threads of the store at most once each `healthMs`, however many ask here. */
function healthOf(store: Store): Tools['isAvailable'] {
  let asked: {at: number; answer: Promise<boolean>} | null = null;
  return now => {
    if (asked === null || Math.abs(now - asked.at) >= healthMs) asked = {at: now, answer: probe(store)};
    return asked.answer;
  };
}

async function probe(store: Store): Promise<boolean> {
  const {promise: late, resolve} = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, probeMs, false);
  const answers = Promise.all([store.fleet(), store.apiToken('', 0)]).then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([answers, late]);
  } finally {
    clearTimeout(timer);
  }
}
