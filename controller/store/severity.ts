import type {WireFinding} from '../protocol/batch.ts';

/** From the least to the most severe. A row keeps the place in this list. */
export const severities = ['info', 'low', 'medium', 'high', 'critical'] as const satisfies ReadonlyArray<
  WireFinding['severity']
>;

export const severityNumber = (severity: WireFinding['severity']): number => severities.indexOf(severity);
