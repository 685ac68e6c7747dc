import type {TreeDocument, TreeNode} from './tree.ts';

export const maxDepth = 200;

/** JSON of RFC 8259, with the line of each value; names that stand twice in an object are kept twice. */
export function parseJson(text: string): TreeDocument {
  const source = text.replace(/^\ufeff/, '');
  try {
    JSON.parse(source);
  } catch (error) {
    return {line: null, problem: `not valid JSON: ${error instanceof Error ? error.message : String(error)}`};
  }
  return new Scanner(source).document();
}

/** Walks a text that is known to be valid JSON, so that it need not check. */
class Scanner {
  readonly #text: string;
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  document(): TreeDocument {
    const root = this.#value(0);
    return root === null ? {line: this.#line, problem: `nested more than ${maxDepth} deep`} : {root};
  }

  #value(depth: number): TreeNode | null {
    if (depth > maxDepth) return null;
    this.#skip();
    const line = this.#line;
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth, line);
      case '[':
        return this.#array(depth, line);
      case '"':
        return {kind: 'scalar', text: this.#string(), line};
      default:
        return {kind: 'scalar', text: this.#word(), line};
    }
  }

  #object(depth: number, line: number): TreeNode | null {
    const entries = new Map<string, TreeNode[]>();
    this.#at++;
    for (this.#skip(); this.#text[this.#at] !== '}'; this.#skip()) {
      if (this.#text[this.#at] === ',') this.#at++;
      this.#skip();
      const nameLine = this.#line;
      const name = this.#string();
      this.#skip();
      this.#at++;
      const value = this.#value(depth + 1);
      if (value === null) return null;
      const known = entries.get(name);
      if (known === undefined) entries.set(name, [{...value, line: nameLine}]);
      else known.push({...value, line: nameLine});
    }
    this.#at++;
    return {kind: 'map', line, keys: () => [...entries.keys()], get: key => entries.get(key) ?? []};
  }

  #array(depth: number, line: number): TreeNode | null {
    const items: TreeNode[] = [];
    this.#at++;
    for (this.#skip(); this.#text[this.#at] !== ']'; this.#skip()) {
      if (this.#text[this.#at] === ',') this.#at++;
      const value = this.#value(depth + 1);
      if (value === null) return null;
      items.push(value);
    }
    this.#at++;
    return {kind: 'list', line, items: () => items};
  }

  #skip(): void {
    for (; /[ \t\r\n]/.test(this.#text[this.#at] ?? ''); this.#at++) if (this.#text[this.#at] === '\n') this.#line++;
  }

  #string(): string {
    const start = this.#at++;
    while (this.#text[this.#at] !== '"') this.#at += this.#text[this.#at] === '\\' ? 2 : 1;
    return JSON.parse(this.#text.slice(start, ++this.#at)) as string;
  }

  #word(): string {
    const start = this.#at;
    while (/[^\s,\]}]/.test(this.#text[this.#at] ?? ' ')) this.#at++;
    return this.#text.slice(start, this.#at);
  }
}
