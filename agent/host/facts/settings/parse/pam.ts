import {linesOf} from '../reader.ts';

/** One line of a pam.d(5) file: a module with its control, or a file that stands in its place. */
export type PamLine =
  | {kind: 'module'; type: PamType; control: string; module: string; arguments: string[]; line: number}
  | {
      kind: 'include' /** Null: lines of all types, by Debian's `@include`. */;
      type: PamType | null;
      substack: boolean;
      service: string;
      line: number;
    }
  | {kind: 'broken'; problem: string; line: number};

export type PamType = 'auth' | 'account' | 'password' | 'session';

const types = new Set(['auth', 'account', 'password', 'session']);

/** Lines in their order; `\` at a line's end joins, brackets hold words together, a `-` before the type is left out. */
export function parsePam(text: string): PamLine[] {
  const found: PamLine[] = [];
  let [joined, first] = ['', 0];
  for (const {line, number} of linesOf(text)) {
    const plain = withoutComment(line).trimEnd();
    if (joined === '') first = number;
    if (plain.endsWith('\\')) {
      joined += `${plain.slice(0, -1)} `;
      continue;
    }
    const parsed = parseLine((joined + plain).trim(), first);
    if (parsed !== null) found.push(parsed);
    joined = '';
  }
  const last = joined === '' ? null : parseLine(joined.trim(), first);
  return last === null ? found : [...found, last];
}

/** `#` ends a line wherever it stands, except after a backslash. */
function withoutComment(line: string): string {
  for (let at = line.indexOf('#'); at >= 0; at = line.indexOf('#', at + 1))
    if (line[at - 1] !== '\\') return line.slice(0, at);
  return line;
}

function parseLine(text: string, line: number): PamLine | null {
  if (text === '') return null;
  const include = /^@include\s+(\S+)$/.exec(text);
  if (include !== null) return {kind: 'include', type: null, substack: false, service: include[1] as string, line};
  const [type = '', control = '', module, ...words] = splitPam(text);
  const name = type.replace(/^-/, '').toLowerCase();
  if (!types.has(name)) return {kind: 'broken', problem: `"${type}" is not a type of PAM module`, line};
  if (module === undefined) return {kind: 'broken', problem: 'a control or a module is missing', line};
  const how = control.toLowerCase();
  if (how === 'include' || how === 'substack')
    return {kind: 'include', type: name as PamType, substack: how === 'substack', service: module, line};
  return {
    kind: 'module',
    type: name as PamType,
    control: control.startsWith('[') ? control.replace(/\s+/g, ' ') : how,
    module,
    arguments: words,
    line,
  };
}

/** Words; one that begins with `[` goes on to its `]`. In arguments the brackets are taken off. */
function splitPam(text: string): string[] {
  const words: string[] = [];
  let at = 0;
  while (at < text.length) {
    while (/\s/.test(text[at] ?? '')) at++;
    if (at >= text.length) break;
    let end = at;
    if (text[at] === '[') {
      while (end < text.length && !(text[end] === ']' && text[end - 1] !== '\\')) end++;
      const word = text.slice(at, ++end);
      words.push(words.length === 1 ? word : word.replace(/^\[|\]$/g, '').replace(/\\\]/g, ']'));
    } else {
      while (end < text.length && !/\s/.test(text[end] as string)) end++;
      words.push(text.slice(at, end));
    }
    at = end;
  }
  return words;
}
