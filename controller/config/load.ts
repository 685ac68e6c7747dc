import {readFile, stat} from 'node:fs/promises';
import {isMap, isScalar, LineCounter, parseDocument, visit} from 'yaml';
import {hasShape} from '../protocol/shape.ts';
import {type Config, configSchema, isListen, isLoopback, readListen, type Written, withDefaults} from './schema.ts';

export const configPath = '/etc/reeve/controller.yaml';
const maxBytes = 256 * 1024;

/** Something in a configuration that is wrong; lines and columns count from 1. */
export type ConfigProblem = {path: string; line: number; column: number; message: string};

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: ConfigProblem[];

  constructor(message: string, problems: ConfigProblem[] = []) {
    super(message);
    this.problems = problems;
  }
}

/** `path:line:column: message`. */
export const formatProblem = ({path, line, column, message}: ConfigProblem): string =>
  `${path}:${line}:${column}: ${message}`;

/**
 * Reads the configuration. No file at the usual place means the defaults; one that was named must exist. Throws a
 * `ConfigError` with every problem, and for a file that others could have written.
 */
export async function loadConfig(named: string | null): Promise<Config> {
  const path = named ?? configPath;
  let text: string;
  try {
    const {mode, uid, size} = await stat(path);
    if ((mode & 0o022) !== 0) throw new ConfigError(`cannot load "${path}": group or others may write it (chmod go-w)`);
    if (uid !== 0 && uid !== process.getuid?.())
      throw new ConfigError(`cannot load "${path}": owner is uid ${uid}, must be 0 or who runs the controller`);
    if (size > maxBytes) throw new ConfigError(`cannot load "${path}": it is larger than ${maxBytes} bytes`);
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const {code, message} = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && named === null) return withDefaults({});
    throw new ConfigError(`cannot load "${path}": ${code === 'ENOENT' ? 'it does not exist' : message}`);
  }
  const {config, problems} = parseConfig(path, text);
  if (config === null)
    throw new ConfigError(
      `cannot load "${path}": ${problems.length === 1 ? '1 problem' : `${problems.length} problems`}`,
      problems,
    );
  return config;
}

/** Text to configuration, or every problem in it, by place. An empty file is the defaults. */
export function parseConfig(
  path: string,
  text: string,
): {config: Config; problems: []} | {config: null; problems: ConfigProblem[]} {
  const counter = new LineCounter();
  const document = parseDocument(text, {schema: 'core', uniqueKeys: true, prettyErrors: false, lineCounter: counter});
  const problems: ConfigProblem[] = [];
  const report = (offset: number, message: string) => {
    const {line, col} = counter.linePos(offset);
    problems.push({path, line: Math.max(1, line), column: Math.max(1, col), message});
  };
  for (const error of [...document.errors, ...document.warnings])
    report(error.pos[0], error.message.split('\n')[0] ?? '');
  visit(document, {
    Alias: (_key, node) => report(node.range?.[0] ?? 0, 'an alias is not allowed here: write the value out'),
  });
  if (problems.length > 0) return {config: null, problems};

  const value = document.toJS() ?? {};
  const at = (place: readonly string[], of: 'key' | 'value') => offsetOf(document.contents, place, of);
  for (const {place, message, of} of shapeProblems(configSchema as Shape, value, [])) report(at(place, of), message);
  if (problems.length === 0) for (const {place, message} of senseProblems(value)) report(at(place, 'value'), message);
  if (problems.length > 0)
    return {config: null, problems: problems.sort((a, b) => a.line - b.line || a.column - b.column)};
  return {config: withDefaults(value), problems: []};
}

type Found = {place: string[]; message: string; of: 'key' | 'value'};
type Shape = {properties?: {[name: string]: Shape}; wanted?: string};

/** Where a value departs from a schema whose objects are closed: unknown keys, and values of another shape. */
function shapeProblems(schema: Shape, value: unknown, place: string[]): Found[] {
  if (schema.properties === undefined || typeof value !== 'object' || value === null || Array.isArray(value)) {
    const isRight = hasShape(schema as never, value);
    return isRight ? [] : [{place, message: `${JSON.stringify(value)} found, ${schema.wanted} wanted`, of: 'value'}];
  }
  const {properties} = schema;
  return Object.entries(value).flatMap(([name, inner]) => {
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (known !== undefined) return shapeProblems(known, inner, [...place, name]);
    const message = `"${name}" is not known here; known are ${Object.keys(properties).join(', ')}`;
    return [{place: [...place, name], message, of: 'key' as const}];
  });
}

/** What the schema lets through and yet cannot be. */
function senseProblems({agents, api}: Written): Array<{place: string[]; message: string}> {
  const problems = [];
  for (const [name, listen] of [
    ['agents', agents?.listen],
    ['api', api?.listen],
  ] as const) {
    if (listen !== undefined && !isListen(listen))
      problems.push({place: [name, 'listen'], message: `port ${readListen(listen).port} found, at most 65535 wanted`});
  }
  const place = ['api', 'listen'];
  if (api?.listen !== undefined && api.tls === undefined && !isLoopback(readListen(api.listen).host))
    problems.push({place, message: plainRefused(api.listen)});
  return problems;
}

/** Tokens travel over this listener. */
export const plainRefused = (listen: string): string =>
  `"${listen}" found without TLS, which only loopback does without: set api.tls`;

function offsetOf(contents: unknown, place: readonly string[], of: 'key' | 'value'): number {
  let node = contents;
  let offset = rangeOf(node);
  for (const [index, name] of place.entries()) {
    if (!isMap(node)) break;
    const pair = node.items.find(item => isScalar(item.key) && item.key.value === name);
    if (pair === undefined) break;
    node = pair.value;
    offset = index === place.length - 1 && of === 'key' ? rangeOf(pair.key) : rangeOf(node, rangeOf(pair.key));
  }
  return offset;
}

const rangeOf = (node: unknown, fallback = 0): number =>
  typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)
    ? Number(node.range[0])
    : fallback;
