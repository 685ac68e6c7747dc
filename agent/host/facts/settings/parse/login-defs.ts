import {linesOf} from '../reader.ts';
import type {Entry} from './entry.ts';

/** login.defs(5): a name, white space, and the value up to a quote; `#` begins a comment only at the start of a line. */
export function parseLoginDefs(text: string): Entry[] {
  const entries: Entry[] = [];
  for (const {line, number} of linesOf(text)) {
    const match = /^[ \t]*([^ \t#][^ \t]*)[ \t]+(.*)$/.exec(line.trimEnd());
    if (match === null) continue;
    const value = (match[2] as string).replace(/^[ \t"]+/, '').split('"')[0] as string;
    entries.push({section: '', key: match[1] as string, value, line: number});
  }
  return entries;
}
