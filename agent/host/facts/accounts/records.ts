import {isUtf8} from 'node:buffer';
import type {Host} from '../../host.ts';
import type {Look} from '../../look.ts';
import {failed, looked} from '../../look.ts';
import {decodeName} from '../../names.ts';

/** One line of a colon-separated table, as the C library's files service splits it. */
export type TableLine = {fields: string[]; where: string; indented: boolean};

/** Far more than 100,000 accounts need. */
const maxBytes = 64 * 1024 * 1024;

/** The lines of passwd(5) and its kin. Empty lines and comments are left out, as nss_files leaves them out. */
export async function readTable(host: Host, path: string): Promise<Look<TableLine[]>> {
  const lines = await readLines(host, path);
  if (!lines.ok) return lines;
  const rows: TableLine[] = [];
  for (const [index, text] of lines.value.entries()) {
    const line = text.trimStart();
    if (line === '' || line.startsWith('#')) continue;
    rows.push({fields: line.split(':'), where: `${path}:${index + 1}`, indented: line !== text});
  }
  return looked(rows);
}

export async function readLines(host: Host, path: string): Promise<Look<string[]>> {
  const file = await host.fs.readFile(path, {maxBytes});
  if (!file.ok) return file;
  const {bytes, truncated} = file.value;
  if (truncated) return failed('io', `cannot read ${path}: it is larger than ${maxBytes} bytes`);
  return looked(isUtf8(bytes) ? bytes.toString('utf8').split('\n') : splitBytes(bytes));
}

function splitBytes(bytes: Buffer): string[] {
  const lines: string[] = [];
  for (let start = 0; start <= bytes.length; ) {
    const end = bytes.indexOf(10, start);
    const stop = end < 0 ? bytes.length : end;
    lines.push(decodeName(bytes.subarray(start, stop)));
    start = stop + 1;
  }
  return lines;
}

const largestId = 0xffff_ffff;

/**
 * A uid or gid. The C library reads more than it should: ` 0`, `+0` and `-0` are all root to it. Such an id counts, and
 * is named as a problem. Null where it would read none.
 */
export function parseId(text: string): {id: number; problem: string | null} | null {
  if (/^\d{1,10}$/.test(text) && Number(text) < largestId) return {id: Number(text), problem: null};
  const match = /^\s*([+-]?)0*(\d{1,12})$/.exec(text);
  if (match === null) return null;
  const value = Number(match[2]);
  const id = value > largestId || (match[1] === '-' && value !== 0) ? largestId : value;
  return {id, problem: `${JSON.stringify(text)} is not a plain id, yet it is read as ${id}`};
}

/** A number of days in shadow(5): null when empty, undefined when it is no number. */
export function parseDays(text: string | undefined): number | null | undefined {
  if (text === undefined || text === '') return null;
  return /^-?\d{1,9}$/.test(text) ? Number(text) : undefined;
}
