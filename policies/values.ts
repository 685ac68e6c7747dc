import {compareVersions} from './version.ts';

/** How a rule wants a value to be read (`as:`). `text` is compared exactly, `list` members by `contains`. */
export const valueTypes = [
  'text',
  'text-any-case',
  'number',
  'boolean',
  'duration',
  'bytes',
  'octal',
  'version',
] as const;
export type ValueType = (typeof valueTypes)[number];

/** Orders two values: negative, 0, positive; null when one of them is not of that type. Text has equality only. */
export function compareTyped(type: ValueType, a: string, b: string): number | null {
  switch (type) {
    case 'text':
      return a === b ? 0 : null;
    case 'text-any-case':
      return a.toLowerCase() === b.toLowerCase() ? 0 : null;
    case 'version':
      return compareVersions(a, b);
    default: {
      const read = readers[type];
      const [left, right] = [read(a.trim()), read(b.trim())];
      return left === null || right === null ? null : left - right;
    }
  }
}

const readers: {[type in Exclude<ValueType, 'text' | 'text-any-case' | 'version'>]: (text: string) => number | null} = {
  number: text => (/^-?\d+(\.\d+)?$/.test(text) ? Number(text) : null),
  octal: text => (/^0?[0-7]{1,6}$/.test(text) ? Number.parseInt(text, 8) : null),
  boolean: text => booleans.get(text.toLowerCase()) ?? null,
  duration: parseDuration,
  bytes: text => scaled(text, byteUnits, ''),
};

const booleans = new Map([
  ...['yes', 'true', 'on', '1', 'y', 't'].map(word => [word, 1] as const),
  ...['no', 'false', 'off', '0', 'n', 'f'].map(word => [word, 0] as const),
]);

const byteUnits = new Map([
  ['', 1],
  ['b', 1],
  ...['k', 'm', 'g', 't'].flatMap((unit, index) =>
    ['', 'b', 'i', 'ib'].map(suffix => [unit + suffix, 1024 ** (index + 1)] as const),
  ),
]);

const durationUnits = new Map([
  ...['ns', 'nsec'].map(unit => [unit, 1e-9] as const),
  ...['us', 'usec', 'µs'].map(unit => [unit, 1e-6] as const),
  ...['ms', 'msec'].map(unit => [unit, 1e-3] as const),
  ...['', 's', 'sec', 'second', 'seconds'].map(unit => [unit, 1] as const),
  ...['m', 'min', 'minute', 'minutes'].map(unit => [unit, 60] as const),
  ...['h', 'hr', 'hour', 'hours'].map(unit => [unit, 3600] as const),
  ...['d', 'day', 'days'].map(unit => [unit, 86_400] as const),
  ...['w', 'week', 'weeks'].map(unit => [unit, 604_800] as const),
  // systemd.time(7); its M for months is left out, since m is minutes elsewhere.
  ...['month', 'months'].map(unit => [unit, 2_629_800] as const),
  ...['y', 'year', 'years'].map(unit => [unit, 31_557_600] as const),
]);

/** Seconds of `90`, `24h`, `1h30m`, `2 days`; null for anything else. A bare number is seconds. */
export function parseDuration(text: string): number | null {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s*([a-zµ]*)\s*/gi)];
  if (parts.length === 0 || parts.map(part => part[0]).join('') !== text.trim()) return null;
  let seconds = 0;
  for (const [, amount, unit] of parts) {
    const scale = durationUnits.get((unit ?? '').toLowerCase());
    if (scale === undefined) return null;
    seconds += Number(amount) * scale;
  }
  return seconds;
}

function scaled(text: string, units: Map<string, number>, defaultUnit: string): number | null {
  const match = /^(-?\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text);
  const scale = match === null ? undefined : units.get((match[2] || defaultUnit).toLowerCase());
  return match === null || scale === undefined ? null : Number(match[1]) * scale;
}
