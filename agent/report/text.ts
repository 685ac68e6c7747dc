/** Colours and attributes of select graphic rendition, ECMA-48 §8.3.117; none when `colour` is off. */
export type Paint = (style: keyof typeof codes, text: string) => string;

const codes = {
  bold: '1',
  dim: '2',
  red: '31',
  green: '32',
  yellow: '33',
  blue: '34',
  magenta: '35',
  cyan: '36',
} as const;

export const painter =
  (colour: boolean): Paint =>
  (style, text) =>
    colour ? `\u001b[${codes[style]}m${text}\u001b[0m` : text;

/** Breaks text at spaces into lines of at most `width` columns; a longer word stays whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** A label column and wrapped text beside it, e.g. `  found   mode 0644`. */
export function labelled(
  label: string,
  text: string,
  {indent, labelWidth, columns}: {indent: number; labelWidth: number; columns: number},
): string[] {
  const lead = ' '.repeat(indent);
  const lines = wrap(text, Math.max(20, columns - indent - labelWidth));
  return lines.map((line, index) => `${lead}${(index === 0 ? label : '').padEnd(labelWidth)}${line}`);
}

/** Columns padded to their widest cell, two spaces apart; numbers to the right. */
export function alignTable(header: string[], rows: Array<Array<string | number>>): string[] {
  const widths = header.map((name, index) => Math.max(name.length, ...rows.map(row => String(row[index]).length)));
  const format = (row: Array<string | number>) =>
    row
      .map((cell, index) =>
        typeof cell === 'number'
          ? String(cell).padStart(widths[index] as number)
          : cell.padEnd(widths[index] as number),
      )
      .join('  ')
      .trimEnd();
  const head = header.map((name, index) =>
    typeof rows[0]?.[index] === 'number' ? name.padStart(widths[index] as number) : name,
  );
  return [format(head), ...rows.map(format)];
}

/** `1 rule`, `2 rules` */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** A span of time in the largest unit that fits: `5 s`, `12 min`, `3 h`, `4 days`. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 72 * 3600 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} days`;
}

/** A line of at most `columns`; what is cut off is shown by `…`. */
export const clip = (line: string, columns: number): string =>
  line.length > columns ? `${line.slice(0, columns - 1)}…` : line;
