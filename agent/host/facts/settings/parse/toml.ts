import {parse, TomlDate, TomlError} from 'smol-toml';
import {linesOf} from '../reader.ts';
import {maxDepth} from './json.ts';
import type {TreeDocument, TreeNode} from './tree.ts';

/** TOML 1.0. Places are found by the lines that look like the key, so a value in an inline table has none. */
export function parseToml(text: string): TreeDocument {
  try {
    return {root: toTree(parse(text, {maxDepth, integersAsBigInt: 'asNeeded'}), [], placesOf(text))};
  } catch (error) {
    return {
      line: error instanceof TomlError ? error.line : null,
      problem: `not valid TOML: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
    };
  }
}

function toTree(value: unknown, path: string[], places: Map<string, number>): TreeNode {
  const line = places.get(JSON.stringify(path)) ?? null;
  if (Array.isArray(value))
    return {kind: 'list', line, items: () => value.map(item => ({...toTree(item, [], places), line}))};
  if (value !== null && typeof value === 'object' && !(value instanceof TomlDate)) {
    const entries = new Map(Object.entries(value));
    return {
      kind: 'map',
      line,
      keys: () => [...entries.keys()],
      get: key => (entries.has(key) ? [toTree(entries.get(key), [...path, key], places)] : []),
    };
  }
  return {kind: 'scalar', line, text: value instanceof TomlDate ? value.toISOString() : String(value)};
}

/** Path → line, of tables and of plain keys. A name that stands twice (in arrays of tables) has no single place. */
function placesOf(text: string): Map<string, number> {
  const places = new Map<string, number>();
  const twice = new Set<string>();
  let table: string[] = [];
  for (const {line, number} of linesOf(text)) {
    const header = /^\s*\[\[?\s*([^\]]+?)\s*\]\]?/.exec(line);
    const key =
      header === null ? /^\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=/.exec(line) : null;
    if (header !== null) table = namesOf(header[1] as string);
    const found = header !== null ? table : key === null ? null : [...table, ...namesOf(key[1] as string)];
    if (found === null) continue;
    const place = JSON.stringify(found);
    if (places.has(place)) twice.add(place);
    places.set(place, number);
  }
  for (const place of twice) places.delete(place);
  return places;
}

const namesOf = (text: string): string[] =>
  (text.match(/"[^"]*"|'[^']*'|[\w-]+/g) ?? []).map(name => name.replace(/^["']|["']$/g, ''));
