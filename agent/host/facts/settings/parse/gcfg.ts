import {linesOf} from '../reader.ts';
import type {Entry} from './entry.ts';

/** What stands in the way of reading a text as the format says; its program would refuse the file. */
export type ParseFault = {line: number; problem: string};

/** A section with its subsection as `section\n"subsection"`, the section in lower case; the subsection keeps its case. */
export const gcfgSection = (section: string, subsection: string | null): string =>
  section.toLowerCase() + (subsection === null ? '' : `\n${JSON.stringify(subsection)}`);

/**
 * git-config(1) syntax as gcfg reads it: names in any case, quotes, `\"`, `\\`, `\n`, `\t`, `\b`, `\` at a line's end joins
 * lines, `#` and `;` begin comments outside quotes. A key alone is `true` and clears what stood before, as gcfg does
 * for lists. Keys are given in lower case.
 */
export function parseGcfg(text: string): {entries: Array<Entry & {clears: boolean}>; faults: ParseFault[]} {
  const entries: Array<Entry & {clears: boolean}> = [];
  const faults: ParseFault[] = [];
  const lines = [...linesOf(text.replace(/^\ufeff/, ''))];
  let section = '';
  for (let index = 0; index < lines.length; index++) {
    const {line, number} = lines[index] as {line: string; number: number};
    let rest = line.trimStart();
    if (rest.startsWith('[')) {
      const header = readHeader(rest);
      if (header === null) {
        faults.push({line: number, problem: 'broken section header'});
        continue;
      }
      section = header.section;
      rest = header.rest.trimStart();
    }
    if (rest === '' || rest.startsWith('#') || rest.startsWith(';')) continue;
    const name = /^([A-Za-z][A-Za-z0-9-]*)[ \t]*(.*)$/.exec(rest);
    const after = name?.[2] ?? '';
    if (name === null || !/^($|[=#;])/.test(after)) {
      faults.push({line: number, problem: 'neither a section, a key nor a comment'});
      continue;
    }
    const key = (name[1] as string).toLowerCase();
    if (!after.startsWith('=')) {
      entries.push({section, key, value: 'true', line: number, clears: true});
      continue;
    }
    const value = readValue(lines, index, after.slice(1));
    if ('problem' in value) faults.push({line: number, problem: value.problem});
    else entries.push({section, key, value: value.value, line: number, clears: false});
    index = value.last;
  }
  return {entries, faults};
}

function readHeader(line: string): {section: string; rest: string} | null {
  const match = /^\[[ \t]*([A-Za-z0-9.-]+)[ \t]*(?:"((?:[^"\\]|\\.)*)")?[ \t]*\](.*)$/.exec(line);
  if (match === null) return null;
  const subsection = match[2] === undefined ? null : match[2].replace(/\\(.)/g, '$1');
  return {section: gcfgSection(match[1] as string, subsection), rest: match[3] as string};
}

const escapes = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['n', '\n'],
  ['t', '\t'],
  ['b', '\b'],
]);

/** A value from the text after `=`, over as many lines as it continues. White space within stays, around it goes. */
function readValue(
  lines: Array<{line: string}>,
  first: number,
  start: string,
): {value: string; last: number} | {problem: string; last: number} {
  let [value, quoted, kept, last] = ['', false, 0, first];
  let text = start.trimStart();
  for (let at = 0; ; at++) {
    const character = text[at];
    if (character === undefined) {
      if (quoted) return {problem: 'a quote is never closed', last};
      return {value: value.slice(0, Math.max(kept, value.trimEnd().length)), last};
    }
    if (character === '\\') {
      if (at === text.length - 1 && last + 1 < lines.length) {
        text = (lines[++last] as {line: string}).line;
        at = -1;
        continue;
      }
      const escaped = escapes.get(text[++at] ?? '');
      if (escaped === undefined) return {problem: `unknown escape \\${text[at] ?? ''}`, last};
      value += escaped;
      kept = value.length;
    } else if (character === '"') {
      quoted = !quoted;
      kept = value.length;
    } else if (!quoted && (character === '#' || character === ';')) text = text.slice(0, at--);
    else {
      value += character;
      if (quoted) kept = value.length;
    }
  }
}
