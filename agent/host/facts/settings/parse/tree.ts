/**
 * A value in a nested document. `line` is null where the format's reader gives no places. Children are made when asked
 * for, so that a document whose references unfold without end costs only the path that is walked.
 */
export type TreeNode = {line: number | null} & (
  | {kind: 'scalar'; text: string}
  | {kind: 'list'; items(): TreeNode[]}
  /** `get` gives every entry of that name: more than one when the document repeats it. */
  | {kind: 'map'; keys(): string[]; get(key: string): TreeNode[]}
);

/** A document, or why it is none: the program would refuse it, or programs would read it differently. */
export type TreeDocument = {root: TreeNode} | {line: number | null; problem: string};

export type TreeFound =
  | {values: Array<{text: string; line: number | null}>}
  | {line: number | null; problem: string}
  | null;

const maxValues = 10_000;

/**
 * The value that a path leads to: names joined by `.`, list members by their number. A name that holds dots itself is
 * found where no shorter one fits. A list gives its members, a mapping its names. Null when there is no such value.
 */
export function findInTree(root: TreeNode, path: string): TreeFound {
  let node = root;
  let rest = path.split('.');
  while (rest.length > 0) {
    const step = stepInto(node, rest);
    if (step === null) return null;
    if (step.found.length > 1) {
      const lines = step.found.map(({line}) => line).filter(line => line !== null);
      return {
        line: lines[0] ?? null,
        problem: `"${step.name}" stands there more than once${lines.length > 0 ? ` (lines ${lines.join(', ')})` : ''}, and programs differ in which one they take`,
      };
    }
    node = step.found[0] as TreeNode;
    rest = rest.slice(step.taken);
  }
  return {values: valuesOf(node).slice(0, maxValues)};
}

function stepInto(node: TreeNode, rest: string[]): {name: string; found: TreeNode[]; taken: number} | null {
  if (node.kind === 'scalar') return null;
  if (node.kind === 'list') {
    const name = rest[0] as string;
    const item = /^\d{1,9}$/.test(name) ? node.items()[Number(name)] : undefined;
    return item === undefined ? null : {name, found: [item], taken: 1};
  }
  for (let taken = 1; taken <= rest.length; taken++) {
    const name = rest.slice(0, taken).join('.');
    const found = node.get(name);
    if (found.length > 0) return {name, found, taken};
  }
  return null;
}

function valuesOf(node: TreeNode): Array<{text: string; line: number | null}> {
  switch (node.kind) {
    case 'scalar':
      return [{text: node.text, line: node.line}];
    case 'list':
      return node.items().map(item => ({
        text: item.kind === 'scalar' ? item.text : item.kind === 'list' ? '[...]' : '{...}',
        line: item.line,
      }));
    case 'map':
      return node.keys().map(key => ({text: key, line: node.get(key)[0]?.line ?? node.line}));
  }
}
