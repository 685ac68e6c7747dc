import {linesOf} from '../reader.ts';
import type {Entry} from './entry.ts';

/**
 * systemd.syntax(7): sections, `Key=value`, `\` at a line's end joins lines with a space, comment lines within them are
 * left out. An empty value is kept: it resets what was set before.
 */
export function parseSystemd(text: string): Entry[] {
  const entries: Entry[] = [];
  let [section, joined, first] = ['', '', 0];
  for (const {line, number} of linesOf(`${text.replace(/^\ufeff/, '')}\n`)) {
    const start = line.trimStart();
    if (start.startsWith('#') || start.startsWith(';')) continue;
    if (joined === '') first = number;
    if (/\\$/.test(start) && (/\\+$/.exec(start)?.[0].length ?? 0) % 2 === 1) {
      joined += `${start.slice(0, -1)} `;
      continue;
    }
    const statement = (joined + start).trim();
    joined = '';
    const header = /^\[(.*)\]$/.exec(statement);
    const equals = statement.indexOf('=');
    if (header !== null) section = header[1] as string;
    else if (equals > 0)
      entries.push({
        section,
        key: statement.slice(0, equals).trim(),
        value: statement.slice(equals + 1).trim(),
        line: first,
      });
  }
  return entries;
}

/**
 * The words of a systemd setting: quotes hold them together, C escapes are undone, as in Environment=. Null when a quote
 * is never closed. Source: systemd.syntax(7), QUOTING.
 */
export function systemdWords(text: string): string[] | null {
  const words: string[] = [];
  let [word, quote, begun] = ['', '', false];
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (character === '\\') {
      const [value, length] = readEscape(text.slice(at + 1, at + 10));
      word += value;
      at += length;
      begun = true;
    } else if (quote !== '') {
      if (character === quote) quote = '';
      else word += character;
    } else if (character === '"' || character === "'") [quote, begun] = [character, true];
    else if (/\s/.test(character)) {
      if (begun) words.push(word);
      [word, begun] = ['', false];
    } else {
      word += character;
      begun = true;
    }
  }
  if (quote !== '') return null;
  return begun ? [...words, word] : words;
}

const plainEscapes = new Map(
  Object.entries({
    a: '\x07',
    b: '\b',
    f: '\f',
    n: '\n',
    r: '\r',
    t: '\t',
    v: '\v',
    '\\': '\\',
    '"': '"',
    "'": "'",
    s: ' ',
  }),
);

/** What follows a backslash, and how many characters of it were used. An unknown escape stands as it is. */
function readEscape(text: string): [value: string, length: number] {
  const plain = plainEscapes.get(text[0] ?? '');
  if (plain !== undefined) return [plain, 1];
  const coded = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))/.exec(text);
  if (coded === null) return [`\\${text[0] ?? ''}`, 1];
  const code =
    coded[4] === undefined
      ? Number.parseInt((coded[1] ?? coded[2] ?? coded[3]) as string, 16)
      : Number.parseInt(coded[4], 8);
  return [code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd', coded[0].length];
}
