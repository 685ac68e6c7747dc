import type {TSchema} from 'typebox';
import {apiError, changeInfo, findingInfo, hostInfo, maxPageSize, ruleInfo, tokenInfo} from '../protocol/api.ts';
import {wireFinding} from '../protocol/batch.ts';
import {inventoryDocument} from '../protocol/documents.ts';
import {type ApiErrorCode, apiErrors} from './errors.ts';
import {metricsType} from './metrics.ts';
import {type Route, routes} from './routes.ts';

type Json = {[key: string]: unknown};

/** Schemas that others are made of, by the name under which the description keeps them. */
const shared: ReadonlyArray<readonly [string, TSchema]> = [
  ['Error', apiError],
  ['Host', hostInfo],
  ['Finding', findingInfo],
  ['WireFinding', wireFinding],
  ['Change', changeInfo],
  ['Rule', ruleInfo],
  ['Token', tokenInfo],
  ['Inventory', inventoryDocument],
];

/** What any request can meet; those of tokens only where one is needed. */
const anywhere: readonly ApiErrorCode[] = ['BAD_QUERY', 'ORIGIN_REFUSED', 'NAME_REFUSED', 'BUG', 'UNAVAILABLE'];
const withToken: readonly ApiErrorCode[] = ['TOKEN_MISSING', 'TOKEN_REFUSED', 'TOO_MANY_ATTEMPTS'];
const withBody: readonly ApiErrorCode[] = ['BAD_BODY', 'BODY_TYPE', 'BODY_TOO_LARGE', 'BODY_TOO_SLOW'];

/** The codes that a route can refuse with. */
export const failuresOf = (route: Route): ApiErrorCode[] => [
  ...new Set([
    ...anywhere,
    ...(route.scope === null ? [] : withToken),
    ...(route.scope === 'admin' ? (['SCOPE_TOO_SMALL'] as const) : []),
    ...(route.body === null ? [] : withBody),
    ...('cursor' in route.query.properties ? (['BAD_CURSOR'] as const) : []),
    ...route.failures,
  ]),
];

/** The description of the API, OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1), from the schemas that it checks with. */
export function openApi(version: string): Json {
  const answers = routes.flatMap(({answer}) =>
    answer === null || answer === 'text' ? [] : [[answer.name, answer.schema] as const],
  );
  const bodies = routes.flatMap(({operation, body}) =>
    body === null ? [] : [[requestName(operation), body] as const],
  );
  const named = new Map<unknown, string>([...shared, ...answers, ...bodies].map(([name, schema]) => [schema, name]));
  const paths: {[path: string]: Json} = {};
  for (const route of routes) {
    const path = paths[route.path] ?? {};
    path[route.method.toLowerCase()] = operationOf(route, named);
    paths[route.path] = path;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'reeve controller',
      version,
      description: `What hosts report. Lists come in pages of at most ${maxPageSize}; "next" is the cursor of the one after.`,
      license: {name: 'Apache-2.0', identifier: 'Apache-2.0'},
    },
    servers: [{url: '/'}],
    paths,
    components: {
      schemas: Object.fromEntries([...named].map(([schema, name]) => [name, inlined(schema, named, true)])),
      securitySchemes: {
        token: {type: 'http', scheme: 'bearer', description: 'made by `reeve token create`'},
      },
    },
  };
}

const requestName = (operation: string) => `${operation[0]?.toUpperCase()}${operation.slice(1)}Request`;

function operationOf(route: Route, named: ReadonlyMap<unknown, string>): Json {
  const parameters = [
    ...(route.path.includes('{id}')
      ? [{name: 'id', in: 'path', required: true, schema: {type: 'string', maxLength: 200}}]
      : []),
    ...Object.entries(route.query.properties as {[key: string]: TSchema & {description?: string}}).map(
      ([name, schema]) => ({
        name,
        in: 'query',
        required: false,
        ...(schema.description === undefined ? {} : {description: schema.description}),
        schema: inlined(schema, named, true),
        ...('items' in schema ? {style: 'form', explode: true} : {}),
      }),
    ),
  ];
  return {
    operationId: route.operation,
    summary: route.summary,
    ...(route.scope === null ? {security: []} : {security: [{token: []}], 'x-reeve-scope': route.scope}),
    ...(parameters.length === 0 ? {} : {parameters}),
    ...(route.body === null
      ? {}
      : {requestBody: {required: true, content: {'application/json': {schema: inlined(route.body, named, false)}}}}),
    responses: {[route.status]: answerOf(route, named), ...refusals(route, named)},
  };
}

function answerOf({answer, summary}: Route, named: ReadonlyMap<unknown, string>): Json {
  if (answer === null) return {description: 'done'};
  if (answer === 'text') return {description: summary, content: {[metricsType]: {schema: {type: 'string'}}}};
  return {description: summary, content: {'application/json': {schema: inlined(answer.schema, named, false)}}};
}

function refusals(route: Route, named: ReadonlyMap<unknown, string>): Json {
  const byStatus = Map.groupBy(failuresOf(route), code => apiErrors[code].status);
  const content = {'application/json': {schema: inlined(apiError, named, false)}};
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      {description: codes.map(code => `${code}: ${apiErrors[code].text}`).join('; '), content},
    ]),
  );
}

/** A schema as plain JSON, with the named ones in it replaced by references. `whole`: this one itself is not. */
function inlined(value: unknown, named: ReadonlyMap<unknown, string>, whole: boolean): unknown {
  const name = named.get(value);
  if (name !== undefined && !whole) return {$ref: `#/components/schemas/${name}`};
  if (Array.isArray(value)) return value.map(item => inlined(item, named, false));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inlined(item, named, false)]));
}
