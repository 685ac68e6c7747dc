import {type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments} from 'yaml';
import {maxDepth} from './json.ts';
import type {TreeDocument, TreeNode} from './tree.ts';

/** The parser makes an error with a stack of each broken character, so a long document could take a minute. */
const maxLength = 256 * 1024;

/** One document of YAML 1.2. Plain scalars stand as written, so that `yes` and `0640` are what the file says. */
export function parseYaml(text: string): TreeDocument {
  if (text.length > maxLength) return {line: null, problem: `it has more than ${maxLength} characters`};
  if (flowDepth(text) > maxDepth) return {line: null, problem: `nested more than ${maxDepth} deep`};
  const counter = new LineCounter();
  try {
    const documents = parseAllDocuments(text, {
      version: '1.2',
      strict: false,
      uniqueKeys: false,

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

/** How often `<<` may lead on, so that a mapping that merges itself ends. */
const maxMerges = 8;

function toTree(found: Node | null, document: Document, counter: LineCounter, merges = 0): TreeNode {
  const node = isAlias(found) ? (found.resolve(document) ?? null) : found;
  const line = found?.range ? counter.linePos(found.range[0]).line : null;
  if (isMap(node)) {
    const own = (key: string, deeper = 0): TreeNode[] =>
      node.items
        .filter(pair => nameOf(pair.key) === key)
        .map(pair => ({
          ...toTree(pair.value as Node | null, document, counter, deeper),
          line: placeOf(pair.key, counter) ?? line,
        }));
    const get = (key: string): TreeNode[] => {
      const direct = own(key);
      if (direct.length > 0 || merges >= maxMerges) return direct;
      const bases = own('<<', merges + 1).flatMap(base => (base.kind === 'list' ? base.items() : [base]));
      const found = bases.flatMap(base => (base.kind === 'map' ? base.get(key) : []));
      return found.slice(0, 1);
    };
    const names = () => [...new Set(node.items.map(pair => nameOf(pair.key)))].filter(name => name !== '<<');
    return {kind: 'map', line, keys: names, get};
  }
  if (isSeq(node)) {
    return {
      kind: 'list',
      line,
      items: () => node.items.map(item => toTree(item as Node | null, document, counter, merges)),
    };
  }
  if (!isScalar(node)) return {kind: 'scalar', text: 'null', line};
  const plain = node.type === 'PLAIN' ? node.source : undefined;
  return {kind: 'scalar', text: plain || String(node.value), line};
}

const nameOf = (key: unknown): string => (isScalar(key) ? String(key.source ?? key.value) : '');

const placeOf = (key: unknown, counter: LineCounter): number | null =>
  isScalar(key) && key.range ? counter.linePos(key.range[0]).line : null;
