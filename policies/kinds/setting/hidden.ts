import {type Expectation, operatorsOf} from '../../expect.ts';
import type {SettingFact} from '../../facts/setting.ts';
import type {Comparison} from '../../finding.ts';

/** The comparisons with the values of a secret taken out: a report is read by more people than the file. */
export function hidden(check: {secret?: boolean}, compared: Comparison[]): Comparison[] {
  if (check.secret !== true) return compared;
  return compared.map(comparison => ({...comparison, actual: withoutText(comparison.actual)}));
}

function withoutText(actual: Comparison['actual']): Comparison['actual'] {
  if (actual === 'not set') return actual;
  const lengths = [actual].flat().map(value => String(value).length);
  return `${lengths.join(' and ')} characters, not shown`;
}

/** What to do where the rule names the shape of the value but no value; undefined where it names one. */
export function shapeCure(
  check: Expectation,
  fact: Pick<SettingFact, 'values' | 'change'>,
  name: string,
): string | undefined {
  const shapes = ['like', 'not_like', 'length_at_least', 'present'];
  if (operatorsOf(check).some(operator => !shapes.includes(operator)) || check.present === false) return undefined;
  if (check.like === undefined && check.not_like === undefined && check.length_at_least === undefined) return undefined;
  const places = [...new Set(fact.values.map(({where}) => where))].join(', ');
  const at = places !== '' ? ` at ${places}` : fact.change === null ? '' : ` in ${fact.change.file}`;
  const then = fact.change?.after ? `, then ${fact.change.after}` : '';
  if (check.like !== undefined) return `set ${name} to something like ${check.like.join(' or ')}${at}${then}`;
  if (check.not_like !== undefined)
    return `change ${name}, which must not be like ${check.not_like.join(' or ')},${at}${then}`;
  return `set ${name}${at}${then}`;
}
