/** A section of dnf's configuration: key → value and the place of its assignment. A later assignment wins. */
export type IniSection = Map<string, {value: string; where: string}>;

/**
 * Configuration as dnf.conf(5) has it: `[section]`, `key = value`, lines that begin with white space go on with the
 * value before, `#` and `;` begin a comment line. A section given twice is one section.
 */
export function parseIni(path: string, text: string): Map<string, IniSection> {
  const sections = new Map<string, IniSection>();
  let section: IniSection | null = null;
  let last: {value: string; where: string} | null = null;
  for (const [index, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || /^[#;]/.test(trimmed)) continue;
    if (/^\s/.test(line) && last !== null) {
      last.value += `\n${trimmed}`;
      continue;
    }
    last = null;
    if (trimmed.startsWith('[') && trimmed.includes(']')) {
      const name = trimmed.slice(1, trimmed.indexOf(']'));
      section = sections.get(name) ?? new Map();
      sections.set(name, section);
      continue;
    }
    const equals = trimmed.indexOf('=');
    if (equals <= 0 || section === null) continue;
    last = {value: trimmed.slice(equals + 1).trim(), where: `${path}:${index + 1}`};
    section.set(trimmed.slice(0, equals).trim(), last);
  }
  return sections;
}

/** dnf's booleans; null for a text that dnf would refuse. */
export function iniBoolean(text: string): boolean | null {
  if (/^(?:1|yes|true|on)$/i.test(text)) return true;
  return /^(?:0|no|false|off)$/i.test(text) ? false : null;
}

/** A list option: parted by white space or commas. */
export const iniList = (text: string): string[] => text.split(/[\s,]+/).filter(word => word !== '');
