/** Columns padded to their widest cell; the first to the left, the others to the right. */
export function printTable(title: string, header: string[], rows: string[][]): string {
  const widths = header.map((name, index) => Math.max(name.length, ...rows.map(row => (row[index] ?? '').length)));
  const line = (cells: string[]) =>
    cells
      .map((cell, index) =>
        index === 0 ? cell.padEnd(widths[index] as number) : cell.padStart(widths[index] as number),
      )
      .join('  ')
      .trimEnd();
  return [title, '', line(header), line(widths.map(width => '-'.repeat(width))), ...rows.map(line), ''].join('\n');
}

export const ratio = (value: number, base: number): string =>
  base === 0 ? '-' : `${(value / base).toFixed(value / base < 10 ? 2 : 0)}x`;
