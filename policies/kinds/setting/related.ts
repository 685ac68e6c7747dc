import {withoutValue} from '../../facts/answer.ts';
import type {Facts} from '../../facts/index.ts';
import type {Comparison, Judgement} from '../../finding.ts';
import {compareTyped} from '../../values.ts';
import {listOf} from '../shared.ts';
import {type Found, nameOfPlace, programOf, readPlace, type SettingPlace} from './place.ts';

export const relatedKeys = ['same_as', 'not_above'] as const;
type RelatedKey = (typeof relatedKeys)[number];
type RelatedCheck = SettingPlace & {[key in RelatedKey]?: Partial<SettingPlace>} & {
  as?: Parameters<typeof compareTyped>[0];
};

const relatedOf = (check: RelatedCheck) =>
  relatedKeys.flatMap(key => (check[key] === undefined ? [] : [{key, place: placeOf(check, check[key])}]));

/** The settings that this one is compared with, in full: what the rule leaves out is as in the setting itself. */
export const relatedPlaces = (check: RelatedCheck): SettingPlace[] => relatedOf(check).map(({place}) => place);

function placeOf(check: RelatedCheck, other: Partial<SettingPlace>): SettingPlace {
  const {format, key, file, unit, section, repeated} = check;
  const own: SettingPlace = {
    format,
    key,
    ...(file === undefined ? {} : {file}),
    ...(unit === undefined ? {} : {unit}),
    ...(section === undefined ? {} : {section}),
    ...(check.default === undefined || other.key !== undefined ? {} : {default: check.default}),
    ...(repeated === undefined ? {} : {repeated}),
  };
  return other.format === undefined || other.format === format
    ? {...own, ...other}
    : {key, format: other.format, ...other};
}

/** `the same as b.service Service.User`, for each setting that this one is compared with. */
export const relatedText = (check: RelatedCheck): string[] =>
  relatedOf(check).map(({key, place}) => `${words[key]} ${nameOfPlace(place)}`);

const words: {[key in RelatedKey]: string} = {same_as: 'the same as', not_above: 'not above'};

/**
 * Compares this setting's values, or its default, with those of the others. Every value of one must fit every value of
 * the other. What neither sets and no default is known for is the same, and not above.
 */
export function compareRelated(
  check: RelatedCheck,
  found: Found[],
  facts: Facts,
): {compared: Comparison[]; where: string[]; cures: string[]} | Judgement {
  const result = {compared: [] as Comparison[], where: [] as string[], cures: [] as string[]};
  const own = valuesOf(check, found);
  for (const {key, place} of relatedOf(check)) {
    const subject = nameOfPlace(check);
    const read = readPlace(place, facts);
    if (read.state === 'unseen' || read.state === 'live-only') return withoutValue(subject, read);
    if (read.state === 'absent')
      return {subject, verdict: 'none', reason: `nothing to compare it with: ${read.reason}`};
    const other = valuesOf(place, read.found);
    const ok = (own.length === 0) === (other.length === 0) && fits(key, check, own, other);
    const name = nameOfPlace(place);
    result.compared.push({
      what: `beside ${name}`,
      expected: `${words[key]} ${shown(other)}`,
      actual: shown(own),
      ok,
    });
    result.where.push(...read.found.flatMap(({fact}) => fact.values.map(({where}) => where)));
    if (!ok) result.cures.push(cureOf(key, check, place));
  }
  return result;
}

function fits(key: RelatedKey, check: RelatedCheck, own: string[], other: string[]): boolean {
  return own.every(value =>
    other.every(bound => {
      const order = compareTyped(check.as ?? (key === 'same_as' ? 'text' : 'number'), value, bound);
      return order !== null && (key === 'same_as' ? order === 0 : order <= 0);
    }),
  );
}

function valuesOf(place: SettingPlace, found: Found[]): string[] {
  const values = found.flatMap(({fact}) => fact.values.map(({value}) => value));
  if (values.length > 0) return values;
  const known = found[0]?.fact.default;
  const own = known !== null && known !== undefined && 'value' in known ? known.value : place.default;
  return own === undefined ? [] : [own];
}

const shown = (values: string[]): string => (values.length === 0 ? 'not set' : [...new Set(values)].join(', '));

function cureOf(key: RelatedKey, check: RelatedCheck, place: SettingPlace): string {
  const one = `${listOf(check.key)[0]} of ${programOf(check)}`;
  const other = `${listOf(place.key)[0]} of ${programOf(place)}`;
  return key === 'same_as' ? `set ${one} and ${other} to the same value` : `lower ${one}, or raise ${other}`;
}
