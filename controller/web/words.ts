import type {Severity, Verdict} from './client.ts';

/** In the order in which they matter. */
export const verdicts: ReadonlyArray<{verdict: Verdict; word: string}> = [
  {verdict: 'fail', word: 'Fails'},
  {verdict: 'error', word: 'Error'},
  {verdict: 'unknown', word: 'Unknown'},
  {verdict: 'waived', word: 'Waived'},
  {verdict: 'pass', word: 'Passes'},
  {verdict: 'not-applicable', word: 'Not applicable'},
];
export const severities: readonly Severity[] = ['critical', 'high', 'medium', 'low', 'info'];

export const verdictWord = (verdict: Verdict): string => verdicts.find(one => one.verdict === verdict)?.word ?? verdict;

const numbers = new Intl.NumberFormat('en');
export const number = (value: number): string => numbers.format(value);
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${number(value)} ${value === 1 ? one : many}`;

const steps: ReadonlyArray<[limit: number, unit: string, ms: number]> = [
  [60_000, 's', 1_000],
  [3_600_000, 'min', 60_000],
  [48 * 3_600_000, 'h', 3_600_000],
  [60 * 86_400_000, 'd', 86_400_000],
  [730 * 86_400_000, 'mo', 30.44 * 86_400_000],
  [Number.POSITIVE_INFINITY, 'y', 365.25 * 86_400_000],
];

/** How long something is, in one unit. */
export function span(ms: number): string {
  const [, unit, size] = steps.find(([limit]) => ms < limit) ?? [0, 'y', 365.25 * 86_400_000];
  return `${Math.floor(ms / size)} ${unit}`;
}

export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(value) / 10));
  return `${(value / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
