import type {Host} from '../../host.ts';
import {failed, type Look, looked} from '../../look.ts';
import {type ConfigFile, readConfigFile, readDirectory} from './directory.ts';

/** Real configurations have a few. */
const maxDirectives = 500;

type Item = {value: string; where: string};

/** apt.conf(5) as apt would hold it. Names are without regard to case; every item knows the line that set it. */
export class AptConfig {
  readonly #items = new Map<string, Item>();
  readonly #lists = new Map<string, Item[]>();

  set(name: string, item: Item): void {
    const key = name.toLowerCase();
    if (!key.endsWith('::')) {
      this.#items.set(key, item);
      return;
    }
    const list = this.#lists.get(key.slice(0, -2));
    if (list === undefined) this.#lists.set(key.slice(0, -2), [item]);
    else list.push(item);
  }

  /** Forgets an item and all below it. */
  clear(name: string): void {
    const key = name.toLowerCase().replace(/::$/, '');
    for (const table of [this.#items, this.#lists]) {
      for (const known of [...table.keys()]) if (known === key || known.startsWith(`${key}::`)) table.delete(known);
    }
  }

  find(name: string): Item | null {
    return this.#items.get(name.toLowerCase()) ?? null;
  }

  /** The unnamed items of a list. Named ones, `List { name "value"; }`, are not among them. */
  list(name: string): Item[] {
    return this.#lists.get(name.toLowerCase()) ?? [];
  }

  /** The names of set items below one, in full and lower case. */
  below(name: string): Array<Item & {name: string}> {
    const prefix = `${name.toLowerCase()}::`;
    return [...this.#items].filter(([key]) => key.startsWith(prefix)).map(([key, item]) => ({name: key, ...item}));
  }

  boolean(name: string, otherwise: boolean): boolean {
    return readBoolean(this.find(name)?.value) ?? otherwise;
  }
}

/** Null for what apt does not read as a boolean. */
export function readBoolean(text: string | undefined): boolean | null {
  const word = text?.trim().toLowerCase() ?? '';
  if (word === '0' || word === '1') return word === '1';
  if (['no', 'false', 'without', 'off', 'disable'].includes(word)) return false;
  return ['yes', 'true', 'with', 'on', 'enable'].includes(word) ? true : null;
}

/** What apt.conf.d and apt.conf say, in apt's order. A file that apt would refuse is a failed look. */
export async function readAptConfig(host: Host): Promise<Look<AptConfig>> {
  const config = new AptConfig();
  const parts = await readDirectory(host, '/etc/apt/apt.conf.d', ['', 'conf']);
  if (!parts.ok) return parts;
  const main = await readConfigFile(host, '/etc/apt/apt.conf');
  if (!main.ok) return main;
  for (const file of [...parts.value, ...(main.value === null ? [] : [main.value])]) {
    const read = await applyFile(host, config, file, 0);
    if (!read.ok) return read;
  }
  return looked(config);
}

async function applyFile(host: Host, config: AptConfig, file: ConfigFile, depth: number): Promise<Look<null>> {
  const scopes: string[] = [];
  let directives = 0;
  const problem = (line: number, what: string) => failed('io', `cannot read ${file.path}: line ${line}: ${what}`);
  for (const {words, ends, line} of statements(file.text)) {
    const parent = scopes.join('::');
    if (words === null) return problem(line, 'a quote or comment is not closed');
    const [tag = '', value, ...rest] = words;
    if (ends === '}') {
      if (words.length > 0) applyWords(config, parent, words, `${file.path}:${line}`);
      scopes.pop();
    } else if (ends === '') return words.length === 0 ? looked(null) : problem(line, 'it ends within a statement');
    else if (rest.length > 0) return problem(line, 'there is more than a name and a value');
    else if (ends === '{') {
      if (words.length === 0) return problem(line, 'a block has no name');
      if (value !== undefined)
        config.set(parent === '' ? tag : `${parent}::${tag}`, {value, where: `${file.path}:${line}`});
      scopes.push(tag);
    } else if (tag.startsWith('#')) {
      if (++directives > maxDirectives) return problem(line, `there are more than ${maxDirectives} directives`);
      const done = await applyDirective(host, config, tag, value ?? '', depth);
      if (!done.ok) return done;
    } else if (words.length > 0) applyWords(config, parent, words, `${file.path}:${line}`);
  }
  return looked(null);
}

/** `name value;`, or within a list just `value;`. */
function applyWords(config: AptConfig, parent: string, [first = '', second]: string[], where: string): void {
  if (second !== undefined) config.set(parent === '' ? first : `${parent}::${first}`, {value: second, where});
  else if (parent !== '') config.set(`${parent}::`, {value: first, where});
}

async function applyDirective(
  host: Host,
  config: AptConfig,
  tag: string,
  value: string,
  depth: number,
): Promise<Look<null>> {
  if (tag === '#clear') config.clear(value);
  if (tag !== '#include') return looked(null);
  if (depth > 10) return failed('io', `cannot read ${value}: too many nested includes`);
  const files = value.endsWith('/')
    ? await readDirectory(host, value.slice(0, -1), ['', 'conf'])
    : await readConfigFile(host, value);
  if (!files.ok) return files;
  for (const file of [files.value ?? []].flat()) {
    const read = await applyFile(host, config, file, depth + 1);
    if (!read.ok) return read;
  }
  return looked(null);
}

type Statement = {words: string[] | null; ends: '{' | '}' | ';' | ''; line: number};

/** The words up to each brace or semicolon. `words` is null where a quote or comment stays open. */
function* statements(text: string): Generator<Statement> {
  let words: string[] = [];
  let line = 1;
  let index = 0;
  while (index < text.length) {
    const character = text[index] as string;
    const pair = text.slice(index, index + 2);
    if (character === '\n') {
      line++;
      index++;
    } else if (/\s/.test(character)) index++;
    else if (
      pair === '//' ||
      (character === '#' && !/^#(clear|include|x-apt-configure-index)/.test(text.slice(index, index + 24)))
    ) {
      const end = text.indexOf('\n', index);
      index = end < 0 ? text.length : end;
    } else if (pair === '/*') {
      const end = text.indexOf('*/', index + 2);
      if (end < 0) return yield {words: null, ends: '', line};
      line += text.slice(index, end).split('\n').length - 1;
      index = end + 2;
    } else if (character === '{' || character === '}' || character === ';') {
      yield {words, ends: character, line};
      words = [];
      index++;
    } else {
      const word = readWord(text, index);
      if (word === null) return yield {words: null, ends: '', line};
      words.push(word.text);
      index = word.end;
    }
  }
  yield {words, ends: '', line};
}

/** A word with quoted parts, such as `APT::"Some name"`. A quoted part ends on its line. Null when it does not. */
function readWord(text: string, start: number): {text: string; end: number} | null {
  let word = '';
  let index = start;
  while (index < text.length && !/[\s{};]/.test(text[index] as string)) {
    if (index > start && /^(?:\/\/|\/\*|#)/.test(text.slice(index, index + 2))) break;
    if (text[index] !== '"') word += text[index++];
    else {
      const end = text.indexOf('"', index + 1);
      if (end < 0 || text.slice(index, end).includes('\n')) return null;
      word += text.slice(index + 1, end);
      index = end + 1;
    }
  }
  return {text: word, end: index};
}
