import {isMap, isPair, isScalar, LineCounter, type Node, parseDocument, visit} from 'yaml';
import type {Problem, ProblemCode} from './problem.ts';

/** A YAML file that was read as plain data, with the way back from a value to its place. */
export type YamlFile = {
  path: string;
  value: unknown;
  problems: Problem[];
  /** A problem at the value (or, with `key`, at the key's name) that `at` leads to; at its nearest parent otherwise. */
  problem(at: ReadonlyArray<string | number>, message: string, code: ProblemCode, place?: 'key' | 'value'): Problem;
};

const maxBytes = 1024 * 1024;

/**
 * Reads YAML 1.2 core as data: no anchors, aliases, tags, merge keys or second document, and no key twice. Those are
 * refused because they let a reviewer see something other than what is loaded.
 */
export function readYaml(path: string, text: string): YamlFile {
  const lines = text.split('\n');
  const at = (offset: number, message: string, code: ProblemCode): Problem => {
    const {line, col} = counter.linePos(offset);
    const source = lines[line - 1];
    return {
      path,
      line: Math.max(1, line),
      column: Math.max(1, col),
      message,
      code,
      ...(source === undefined ? {} : {source}),
    };
  };
  const counter = new LineCounter();
  if (text.length > maxBytes) {
    const message = `the file has ${text.length} characters: at most ${maxBytes} are read`;
    const problem: Problem = {path, line: 1, column: 1, message, code: 'REEVE_FILE_TOO_LARGE'};
    return {path, value: undefined, problems: [problem], problem: () => problem};
  }
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    strict: true,
    uniqueKeys: true,
    merge: false,
    prettyErrors: false,
    lineCounter: counter,
  });
  const problems = [...document.errors, ...document.warnings].map(error =>
    at(
      error.pos[0],
      firstLine(error.message),
      error.code === 'MULTIPLE_DOCS' ? 'REEVE_YAML_FEATURE' : 'REEVE_YAML_SYNTAX',
    ),
  );
  visit(document, (_key, node) => {
    const feature = unwantedFeature(node);
    if (feature !== null && node !== null && typeof node === 'object' && 'range' in node) {
      problems.push(
        at((node as Node).range?.[0] ?? 0, `${feature} is not allowed here: write the value out`, 'REEVE_YAML_FEATURE'),
      );
    }
  });
  return {
    path,
    value: problems.length > 0 ? undefined : document.toJS({maxAliasCount: 0}),
    problems,
    problem: (place, message, code, of = 'value') => at(offsetOf(document.contents, place, of), message, code),
  };
}

function unwantedFeature(node: unknown): string | null {
  if (node === null || typeof node !== 'object') return null;
  if ('source' in node && node.constructor.name === 'Alias') return 'an alias';
  if ('anchor' in node && node.anchor) return 'an anchor';
  if ('tag' in node && typeof node.tag === 'string' && !node.tag.startsWith('tag:yaml.org,2002:')) return 'a tag';
  return null;
}

function firstLine(message: string): string {
  const line = message.split('\n')[0] ?? message;
  return line.charAt(0).toLowerCase() + line.slice(1);
}

function offsetOf(contents: unknown, place: ReadonlyArray<string | number>, of: 'key' | 'value'): number {
  let node = contents;
  let offset = startOf(contents);
  for (const [index, step] of place.entries()) {
    if (isMap(node)) {
      const pair = node.items.find(
        item => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step),
      );
      if (pair === undefined) return offset;
      const last = index === place.length - 1;
      offset = last && of === 'key' ? startOf(pair.key) : (startOf(pair.value) ?? startOf(pair.key));
      node = pair.value;
    } else if (node !== null && typeof node === 'object' && 'items' in node && Array.isArray(node.items)) {
      node = node.items[Number(step)];
      if (node === undefined) return offset;
      offset = startOf(node);
    } else return offset;
  }
  return offset;
}

function startOf(node: unknown): number {
  return node !== null && typeof node === 'object' && 'range' in node ? ((node as Node).range?.[0] ?? 0) : 0;
}
