import {printable} from '../host/names.ts';
import type {Report} from './report.ts';

/** One JSON document. Text of the host is made printable here too: many a reader of JSON ends on a terminal. */
export function renderJson(report: Report): string {
  const rules = Object.fromEntries(
    [...report.rules].map(([id, {title, why, severity, refs, pack, area}]) => [
      id,
      {pack, area, title, why, severity, refs},
    ]),
  );
  return `${JSON.stringify({...report, rules}, (_key, value: unknown) => (typeof value === 'string' ? printable(value) : value), 2)}\n`;
}
