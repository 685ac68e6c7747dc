import {type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments} from 'yaml';
import {maxDepth} from './json.ts';
import type {TreeDocument, TreeNode} from './tree.ts';

/** One document of YAML 1.2. Plain scalars stand as written, so that `yes` and `0640` are what the file says. */
export function parseYaml(text: string): TreeDocument {
  if (flowDepth(text) > maxDepth) return {line: null, problem: `nested more than ${maxDepth} deep`};
  const counter = new LineCounter();
  try {
    const documents = parseAllDocuments(text, {
      version: '1.2',
      strict: false,
      uniqueKeys: false,
      merge: true,
      prettyErrors: false,
      lineCounter: counter,
      logLevel: 'silent',
    });
    if ('empty' in documents || documents.length === 0) return {root: emptyMap};
    if (documents.length > 1) return {line: null, problem: 'it holds more than one YAML document'};
    const document = documents[0] as Document.Parsed;
    const error = document.errors[0];
    if (error !== undefined)
      return {line: counter.linePos(error.pos[0]).line, problem: `not valid YAML: ${error.message.split('\n')[0]}`};
    return {root: toTree(document.contents as Node | null, document, counter)};
  } catch (error) {
    return {
      line: null,
      problem: `not readable YAML: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
    };
  }
}

const emptyMap: TreeNode = {kind: 'map', line: 1, keys: () => [], get: () => []};

/** The deepest that brackets could nest; text within quotes counts too, which only makes the bound stricter. */
function flowDepth(text: string): number {
  let [depth, deepest] = [0, 0];
  for (const character of text) {
    if (character === '[' || character === '{') deepest = Math.max(deepest, ++depth);
    else if ((character === ']' || character === '}') && depth > 0) depth--;
  }
  return deepest;
}

function toTree(found: Node | null, document: Document, counter: LineCounter): TreeNode {
  const node = isAlias(found) ? (found.resolve(document) ?? null) : found;
  const line = found?.range ? counter.linePos(found.range[0]).line : null;
  if (isMap(node)) {
    const nameOf = (key: unknown) => (isScalar(key) ? String(key.source ?? key.value) : '');
    const get = (key: string) =>
      node.items
        .filter(pair => nameOf(pair.key) === key)
        .map(pair => ({
          ...toTree(pair.value as Node | null, document, counter),
          line: placeOf(pair.key, counter) ?? line,
        }));
    return {kind: 'map', line, keys: () => [...new Set(node.items.map(pair => nameOf(pair.key)))], get};
  }
  if (isSeq(node))
    return {kind: 'list', line, items: () => node.items.map(item => toTree(item as Node | null, document, counter))};
  if (!isScalar(node)) return {kind: 'scalar', text: 'null', line};
  const plain = node.type === 'PLAIN' ? node.source : undefined;
  return {kind: 'scalar', text: plain || String(node.value), line};
}

const placeOf = (key: unknown, counter: LineCounter): number | null =>
  isScalar(key) && key.range ? counter.linePos(key.range[0]).line : null;
