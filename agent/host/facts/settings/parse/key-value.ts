import {linesOf} from '../reader.ts';
import type {Entry} from './entry.ts';

/**
 * `name = value` and `name value` lines, as faillock.conf(5), pwquality.conf(5) and auditd.conf(5) have them. `#` begins
 * a comment at the start of a line and after white space. A name alone is a switch that is on, and reads as `true`.
 */
export function parseKeyValue(text: string): Entry[] {
  const entries: Entry[] = [];
  for (const {line: raw, number} of linesOf(text)) {
    const line = withoutComment(raw).trim();
    if (line === '') continue;
    const end = line.search(/[\s=]/);
    const key = end < 0 ? line : line.slice(0, end);
    const rest = end < 0 ? '' : line.slice(end).trimStart();
    const value = rest.startsWith('=') ? rest.slice(1).trimStart() : rest;
    if (key !== '') entries.push({section: '', key, value: rest === '' ? 'true' : value, line: number});
  }
  return entries;
}

function withoutComment(line: string): string {
  for (let at = line.indexOf('#'); at >= 0; at = line.indexOf('#', at + 1)) {
    if (at === 0 || /\s/.test(line[at - 1] as string)) return line.slice(0, at);
  }
  return line;
}
