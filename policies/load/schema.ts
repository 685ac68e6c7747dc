import type {TSchema} from 'typebox';
import {Settings} from 'typebox/system';
import {Errors} from 'typebox/value';
import type {ProblemCode} from './problem.ts';

/** One place where a value does not have the shape that a schema wants. */
export type Mismatch = {at: string[]; message: string; code: ProblemCode; place: 'key' | 'value'};

Settings.Set({maxErrors: 1000});

/**
 * Holds a value against a schema and says every mismatch in the reader's words. A schema node's `wanted` (a noun
 * phrase, such as `"0640"-like octal text`) is used in place of TypeBox's message for anything wrong at that node.
 */
export function mismatches<S extends TSchema>(schema: S, value: unknown): Mismatch[] {
  const found: Mismatch[] = [];
  const explained = new Set<string>();
  const errors = Errors(schema, value);
  for (const error of errors) {
    const at = pointer(error.instancePath);
    const wanted = wantedAt(schema, at);
    if (wanted !== null && !isStructural(error.keyword)) {
      const key = JSON.stringify(at);
      if (!explained.has(key))
        found.push({
          at,
          place: 'value',
          code: 'REEVE_VALUE_INVALID',
          message: `${quote(valueAt(value, at))} found, ${wanted} wanted`,
        });
      explained.add(key);
    }
  }
  for (const error of errors) {
    const at = pointer(error.instancePath);
    if (underAny(explained, at)) continue;
    found.push(...mismatchOf(error as unknown as SchemaError, at, schema, value));
  }
  return unique(found);
}

type SchemaError = {keyword: string; message: string; params: {[name: string]: unknown}};

const isStructural = (keyword: string) =>
  keyword === 'additionalProperties' || keyword === 'required' || keyword === 'boolean';

function mismatchOf(error: SchemaError, at: string[], schema: TSchema, value: unknown): Mismatch[] {
  const {params, keyword} = error;
  switch (keyword) {
    case 'boolean':
      return [];
    case 'additionalProperties': {
      const known = knownKeys(schema, at);
      return (params.additionalProperties as string[]).map(key => ({
        at: [...at, key],
        place: 'key',
        code: 'REEVE_KEY_UNKNOWN',
        message: `unknown key "${key}": ${nearest(key, known)}`,
      }));
    }
    case 'required':
      return (params.requiredProperties as string[]).map(key => ({
        at,
        place: 'value',
        code: 'REEVE_KEY_MISSING',
        message: `key "${key}" is missing here`,
      }));
    case 'type':
      return [invalid(at, `${quote(valueAt(value, at))} found, ${typeWords(params.type)} wanted`)];
    case 'enum':
    case 'const':
      return [invalid(at, `${quote(valueAt(value, at))} found, ${error.message.replace(/^must be /, '')} wanted`)];
    default:
      return [invalid(at, `${quote(valueAt(value, at))} ${error.message}`)];
  }
}

const invalid = (at: string[], message: string): Mismatch => ({
  at,
  message,
  code: 'REEVE_VALUE_INVALID',
  place: 'value',
});

function typeWords(type: unknown): string {
  const words: {[type: string]: string} = {
    string: 'text',
    array: 'a list',
    object: 'a mapping',
    integer: 'a whole number',
    number: 'a number',
    boolean: 'true or false',
  };
  return [type]
    .flat()
    .map(name => words[String(name)] ?? String(name))
    .join(' or ');
}

function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function pointer(path: string): string[] {
  return path === ''
    ? []
    : path
        .slice(1)
        .split('/')
        .map(step => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function valueAt(value: unknown, at: string[]): unknown {
  return at.reduce<unknown>(
    (node, step) => (node !== null && typeof node === 'object' ? (node as {[key: string]: unknown})[step] : undefined),
    value,
  );
}

type SchemaNode = {
  properties?: {[key: string]: SchemaNode};
  items?: SchemaNode;
  additionalProperties?: SchemaNode | boolean;
  patternProperties?: {[pattern: string]: SchemaNode};
  wanted?: string;
};

function schemaAt(schema: TSchema, at: string[]): SchemaNode | undefined {
  return at.reduce<SchemaNode | undefined>((node, step) => {
    if (node === undefined) return undefined;
    const open = node.additionalProperties;
    return (
      node.properties?.[step] ??
      node.items ??
      Object.values(node.patternProperties ?? {})[0] ??
      (typeof open === 'object' ? open : undefined)
    );
  }, schema as SchemaNode);
}

function wantedAt(schema: TSchema, at: string[]): string | null {
  return schemaAt(schema, at)?.wanted ?? null;
}

function knownKeys(schema: TSchema, at: string[]): string[] {
  return Object.keys(schemaAt(schema, at)?.properties ?? {});
}

/** `did you mean "owner"?` for a slip of one or two letters, else the keys that there are. */
export function nearest(name: string, known: string[]): string {
  const close = known.find(
    candidate => distance(name.toLowerCase(), candidate.toLowerCase()) <= Math.min(2, name.length / 3),
  );
  return close === undefined ? `known here: ${known.join(', ')}` : `did you mean "${close}"?`;
}

/** How many letters are added, dropped, changed or swapped with their neighbour (optimal string alignment). */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({length: b.length + 1}, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      next.push(
        Math.min(
          (row[j] as number) + 1,
          (next[j - 1] as number) + 1,
          changed,
          swapped ? (before[j - 2] as number) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    before = row;
    row = next;
  }
  return row[b.length] as number;
}

function underAny(explained: Set<string>, at: string[]): boolean {
  return at.some((_, index) => explained.has(JSON.stringify(at.slice(0, index + 1)))) || explained.has('[]');
}

function unique(found: Mismatch[]): Mismatch[] {
  const keys = new Set<string>();
  return found.filter(mismatch => {
    const key = JSON.stringify([mismatch.at, mismatch.code]);
    return !keys.has(key) && keys.add(key);
  });
}
