import type {Entry} from './entry.ts';

/** A statement of apt.conf(5): an assignment, or a directive that its reader carries out. */
export type AptStatement =
  | {kind: 'set'; entry: Entry}
  | {kind: 'clear'; key: string; line: number}
  | {kind: 'include'; path: string; line: number};

export type AptParsed = {statements: AptStatement[]; faults: Array<{line: number; problem: string}>};

const maxDepth = 100;

/**
 * apt.conf(5). Keys are whole, such as `APT::Periodic::Enable`; a member of a list has a key that ends in `::`.
 * Source: apt's ReadConfigFile().
 */
export function parseAptConf(text: string): AptParsed {
  const parsed: AptParsed = {statements: [], faults: []};
  const stack: string[] = [];
  for (const {text: statement, end, line} of statementsOf(text)) {
    const words = readWords(statement);
    if (words === null) {
      parsed.faults.push({line, problem: `cannot make sense of "${statement.slice(0, 40)}"`});
      if (end === '{') stack.push('');
      continue;
    }
    const parent = stack.filter(part => part !== '').join('::');
    const [tag, value] = words.length === 2 ? words : end === '{' ? [words[0] ?? '', null] : ['', words[0] ?? null];
    if (tag.toLowerCase() === '#clear' && value !== null)
      parsed.statements.push({kind: 'clear', key: joinKey(parent, value), line});
    else if (tag.toLowerCase() === '#include' && value !== null)
      parsed.statements.push({kind: 'include', path: value, line});
    else if (value !== null)
      parsed.statements.push({kind: 'set', entry: {section: '', key: joinKey(parent, tag), value, line}});
    if (end === '{') stack.push(tag);
    if (end === '}') stack.pop();
    if (stack.length > maxDepth) {
      parsed.faults.push({line, problem: `nested more than ${maxDepth} deep`});
      return parsed;
    }
  }
  if (stack.length > 0) parsed.faults.push({line: text.split('\n').length, problem: 'a brace is never closed'});
  return parsed;
}

const joinKey = (parent: string, tag: string): string => (parent === '' ? tag : `${parent}::${tag}`);

/** The text between `;`, `{` and `}`, without comments; `line` is where it begins. */
function* statementsOf(text: string): Generator<{text: string; end: ';' | '{' | '}'; line: number}> {
  let [current, line, first, quoted, begun] = ['', 1, 1, false, false];
  const add = (character: string) => {
    if (!begun && character.trim() !== '') [begun, first] = [true, line];
    if (begun) current += character;
  };
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (quoted || character === '"') {
      if (character === '"') quoted = !quoted;
      add(character);
    } else if (text.startsWith('/*', at)) {
      const close = text.indexOf('*/', at + 2);
      const end = close < 0 ? text.length : close + 1;
      line += text.slice(at, end).split('\n').length - 1;
      at = end;
    } else if (
      text.startsWith('//', at) ||
      (character === '#' && !/^#(?:clear|include)\s/i.test(text.slice(at, at + 10)))
    ) {
      const end = text.indexOf('\n', at);
      at = (end < 0 ? text.length : end) - 1;
    } else if (character === ';' || character === '{' || character === '}') {
      if (begun || character !== ';') yield {text: current.trim(), end: character, line: begun ? first : line};
      [current, begun] = ['', false];
    } else add(character === '\n' ? ' ' : character);
    if (character === '\n') line++;
  }
  if (begun) yield {text: current.trim(), end: ';', line: first};
}

/** At most a tag and a value; null when there is more. Quoted texts side by side are one value. */
function readWords(statement: string): string[] | null {
  if (statement === '') return [];
  const first = /^(?:"[^"]*"|[^\s"])+/.exec(statement)?.[0];
  if (first === undefined) return null;
  const rest = statement.slice(first.length).trim();
  if (rest === '') return [unquote(first)];
  const value = /^(?:"[^"]*"\s*)+$/.test(rest)
    ? [...rest.matchAll(/"([^"]*)"/g)].map(match => match[1]).join(' ')
    : /^\S+$/.test(rest)
      ? unquote(rest)
      : null;
  return value === null ? null : [unquote(first), value];
}

/** Quotes off; `%41` outside a wholly quoted text is a character by its number. */
function unquote(word: string): string {
  const plain = word.replaceAll('"', '');
  return word.startsWith('"') && word.endsWith('"')
    ? plain
    : plain.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
