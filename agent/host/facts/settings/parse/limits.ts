import {linesOf} from '../reader.ts';

/** One line of limits.conf(5); `-` as type sets both the soft and the hard limit. */
export type Limit = {domain: string; type: string; item: string; value: string; line: number};

/** Lines that are not complete are skipped, as pam_limits does. */
export function parseLimits(text: string): Limit[] {
  const limits: Limit[] = [];
  for (const {line, number} of linesOf(text)) {
    const [domain, type, item, value] = (line.split('#')[0] as string).trim().split(/\s+/);
    if (domain === undefined || type === undefined || item === undefined || value === undefined) continue;
    limits.push({domain, type: type.toLowerCase(), item: item.toLowerCase(), value: value.toLowerCase(), line: number});
  }
  return limits;
}
