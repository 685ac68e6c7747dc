import type {FstabFact} from '../../../../policies/facts/mounts.ts';
import {decodeName} from '../../names.ts';

/** fstab(5): fields between spaces and tabs, octal escapes, comment lines. A line without a mount point counts for nothing. */
export function parseFstab(bytes: Buffer, path: string): FstabFact[] {
  const entries: FstabFact[] = [];
  for (const [index, raw] of bytes.toString('latin1').split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const [source, point, fstype, options] = line.split(/[ \t]+/);
    if (source === undefined || point === undefined || fstype === undefined || fstype === 'swap') continue;
    entries.push({
      point: cleanPath(unescapeField(point)),
      source: unescapeField(source),
      fstype: unescapeField(fstype),
      options: splitOptions(unescapeField(options ?? 'defaults')),
      where: `${path}:${index + 1}`,
      unit: null,
    });
  }
  return entries;
}

/** Options at commas; a comma inside double quotes belongs to a value, mount(8). */
export function splitOptions(text: string): string[] {
  const options: string[] = [];
  let start = 0;
  let quoted = false;
  for (let index = 0; index <= text.length; index++) {
    if (text[index] === '"') quoted = !quoted;
    if (index < text.length && (text[index] !== ',' || quoted)) continue;
    if (index > start) options.push(text.slice(start, index));
    start = index + 1;
  }
  return options;
}

export const cleanPath = (path: string): string =>
  path.startsWith('/')
    ? `/${path
        .split('/')
        .filter(part => part !== '' && part !== '.')
        .join('/')}`
    : path;

function unescapeField(field: string): string {
  const bytes = field.replace(/\\([0-3][0-7]{2})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)));
  return decodeName(Buffer.from(bytes, 'latin1'));
}
