import {linesOf} from '../reader.ts';
import type {Entry} from './entry.ts';

/**
 * `[section]` and `key = value` lines; `#` and `;` begin comments at the start of a line only, and a value stands as
 * written, without the white space around it: programs differ in all else.
 */
export function parseIni(text: string): Entry[] {
  const entries: Entry[] = [];
  let section = '';
  for (const {line: raw, number} of linesOf(text)) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    if (line.startsWith('[') && line.endsWith(']')) {
      section = line.slice(1, -1).trim();
      continue;
    }
    const equals = line.indexOf('=');
    const key = (equals < 0 ? line : line.slice(0, equals)).trim();
    entries.push({section, key, value: equals < 0 ? '' : line.slice(equals + 1).trim(), line: number});
  }
  return entries;
}
