import test from 'ava';
import {openApi} from '../../../controller/api/openapi.ts';
import {routes} from '../../../controller/api/routes.ts';

type Json = {[key: string]: Json} & {[key: string]: unknown};
const described = JSON.parse(JSON.stringify(openApi('1.2.3'))) as Json;

/** Every object in the description, with where it is. */
function* objects(value: unknown, place = '#'): Generator<[string, {[key: string]: unknown}]> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield [place, value as {[key: string]: unknown}];
  for (const [key, item] of Object.entries(value)) yield* objects(item, `${place}/${key.replaceAll('/', '~1')}`);
}

test('openApi() has what OpenAPI 3.1 requires of a document', t => {
  t.deepEqual(Object.keys(described).sort(), ['components', 'info', 'openapi', 'paths', 'servers']);
  t.is(described.openapi as unknown, '3.1.0');
  t.is(described.info?.version as unknown, '1.2.3');
  const operations = new Set<unknown>();
  for (const [path, item] of Object.entries(described.paths as Json)) {
    t.regex(path, /^\/[a-z0-9/{}.]+$/);
    for (const [method, operation] of Object.entries(item)) {
      const place = `${method} ${path}`;
      t.true(['get', 'post', 'delete'].includes(method), place);
      t.false(operations.has(operation.operationId), place);
      operations.add(operation.operationId);
      const parameters = (operation.parameters ?? []) as unknown as Array<{
        name: string;
        in: string;
        required: boolean;
        schema: object;
      }>;
      for (const parameter of parameters) {
        t.true(parameter.in === 'path' ? parameter.required : parameter.in === 'query', place);
        t.truthy(parameter.schema);
      }
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(match => match[1]);
      t.deepEqual(
        parameters.filter(one => one.in === 'path').map(({name}) => name as string | undefined),
        inPath,
        place,
      );
      t.is(new Set(parameters.map(({name}) => name)).size, parameters.length, place);
      const responses = Object.entries(operation.responses as Json);
      t.true(
        responses.some(([status]) => status.startsWith('2')),
        place,
      );
      for (const [status, response] of responses) {
        t.regex(status, /^[1-5]\d\d$/);
        t.is(typeof response.description, 'string', `${place} ${status}`);
        for (const type of Object.keys(response.content ?? {})) t.regex(type, /^[a-z]+\/[a-z]+(;.*)?$/);
      }
    }
  }
});

test('openApi() describes every route, and nothing else', t => {
  const found = Object.entries(described.paths as Json).flatMap(([path, item]) =>
    Object.keys(item).map(method => `${method.toUpperCase()} ${path}`),
  );
  t.deepEqual(found.sort(), routes.map(({method, path}) => `${method} ${path}`).sort());
  t.deepEqual(Object.keys(described.paths as Json).sort(), [...new Set(routes.map(({path}) => path))].sort());
  for (const {path, method, scope} of routes) {
    const security = (described.paths as Json)[path]?.[method.toLowerCase()]?.security as unknown;
    t.deepEqual(security, scope === null ? [] : [{token: []}], path);
  }
});

test('openApi() refers only to schemas that it has, and has none that nothing refers to', t => {
  const schemas = Object.keys(described.components?.schemas as Json);
  const references = [...objects(described)].flatMap(([, {$ref}]) => ($ref === undefined ? [] : [$ref]));
  t.deepEqual([...new Set(references)].sort(), schemas.map(name => `#/components/schemas/${name}`).sort());
});

const types = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'];
const keywords = new Set([
  '$ref',
  'type',
  'properties',
  'required',
  'items',
  'anyOf',
  'enum',
  'const',
  'description',
  'default',
  'format',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'maxProperties',
  'pattern',
  'patternProperties',
  'additionalProperties',
]);

test('openApi() writes schemas with the words of JSON Schema 2020-12 alone', t => {
  let count = 0;
  const look = (schema: Json, place: string): void => {
    count++;
    for (const key of Object.keys(schema)) t.true(keywords.has(key), `${place}/${key}`);
    if (schema.type !== undefined) t.true(types.includes(schema.type as unknown as string), place);
    if (schema.$ref !== undefined) t.deepEqual(Object.keys(schema), ['$ref'], place);
    for (const name of (schema.required ?? []) as unknown as string[])
      t.truthy(schema.properties?.[name], `${place} requires ${name}`);
    for (const [name, property] of Object.entries({...schema.properties, ...schema.patternProperties}))
      look(property, `${place}/${name}`);
    for (const one of (schema.anyOf ?? []) as unknown as Json[]) look(one, `${place}/anyOf`);
    if (schema.items !== undefined) look(schema.items, `${place}/items`);
  };
  for (const [name, schema] of Object.entries(described.components?.schemas as Json)) look(schema, name);
  for (const [place, value] of objects(described))
    if (/\/parameters\/\d+\/schema$/.test(place)) look(value as Json, place);
  t.true(count > 100);
});
