import type {Static} from 'typebox';
import * as Type from 'typebox';
import {compareExpectation, expectationKeys, flipExpectation, operatorsOf, wantedText} from '../expect.ts';
import {withoutValue} from '../facts/answer.ts';
import {type SettingFact, type SettingValue, settingFormats} from '../facts/setting.ts';
import {type Comparison, type Judgement, judged} from '../finding.ts';
import {defineKind} from './kind.ts';
import {cureOf} from './setting/cure.ts';
import {hidden, shapeCure} from './setting/hidden.ts';
import {type Found, nameOfPlace, placeProblems, programOf, readPlace, requestsOf} from './setting/place.ts';
import {compareRelated, relatedKeys, relatedPlaces, relatedText} from './setting/related.ts';
import {listOf} from './shared.ts';

const fileText = Type.String({
  minLength: 1,
  maxLength: 4096,
  wanted: 'an absolute path, or for pam the name of a service',
});
const keyText = Type.String({minLength: 1, maxLength: 1024});

/** Where a setting stands: shared by the setting itself and by the one that it is compared with. */
const placeKeys = {
  file: Type.Optional(
    Type.Union([fileText, Type.Array(fileText, {minItems: 1, maxItems: 64})], {
      wanted: 'an absolute path or a list of them',
    }),
  ),
  unit: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9:_.@\\\\-]+\\.[a-z]+$',
      maxLength: 255,
      wanted: 'the name of a systemd unit, such as "ssh.service"',
    }),
  ),
  section: Type.Optional(Type.String({maxLength: 1024})),
  default: Type.Optional(Type.String({maxLength: 4096})),
};
const format = Type.Enum([...settingFormats], {wanted: `one of ${settingFormats.join(', ')}`});
const keyOrKeys = Type.Union([keyText, Type.Array(keyText, {minItems: 2, maxItems: 8})], {
  wanted: 'the name of the setting, or a list of the names that it has',
});
const related = Type.Object(
  {format: Type.Optional(format), key: Type.Optional(keyOrKeys), ...placeKeys},
  {additionalProperties: false},
);

const schema = Type.Object(
  {
    format,
    key: keyOrKeys,
    ...placeKeys,
    match: Type.Optional(Type.Enum(['any', 'global'], {wanted: '"any" or "global"'})),
    repeated: Type.Optional(Type.Enum(['all', 'last'], {wanted: '"all" or "last"'})),
    secret: Type.Optional(Type.Boolean()),
    same_as: Type.Optional(related),
    not_above: Type.Optional(related),
    ...expectationKeys,
  },
  {additionalProperties: false},
);
export type SettingCheck = Static<typeof schema>;

export const settingKind = defineKind<typeof schema>({
  name: 'setting',
  summary: 'One setting of a program as the program reads it: includes, drop-ins, defaults and precedence resolved.',
  schema,
  problems,
  canBeEmpty: () => true,
  wants: check =>
    [check, ...relatedPlaces(check)].flatMap(place =>
      requestsOf(place).map(request => ({fact: 'setting', ...request}) as const),
    ),
  judge: (check, facts): Judgement[] => {
    const subject = nameOfPlace(check);
    const read = readPlace(check, facts);
    if (read.state === 'unseen' || read.state === 'live-only') return [withoutValue(subject, read)];
    if (read.state === 'absent') return [{subject, verdict: 'none', reason: read.reason}];
    const other = compareRelated(check, read.found, facts);
    return 'verdict' in other ? [other] : [judgeFound(check, subject, read.found, read.where, other)];
  },
  flips: check => [
    ...flipExpectation(check),
    ...relatedKeys
      .filter(key => check[key] !== undefined)
      .map(key => {
        const {[key]: _, ...rest} = check;
        return {what: key, check: {...rest, like: [neverFound]}};
      }),
  ],
  looks: check =>
    `Reads ${listOf(check.key).join(' and ')} as ${programOf(check)} does, with all files that belong to it, and which of them wins.`,
  wanted: check => `${nameOfPlace(check)}: ${wantedOf(check)}`,
});

/** Files with NUL bytes are refused, so that no value is like this. */
const neverFound = '\u0000';

const wantedOf = (check: SettingCheck): string =>
  [wantedText(check), ...relatedText(check)].filter(text => text !== '').join(' and ');

function problems(check: SettingCheck): Array<{at: string[]; message: string}> {
  const found = placeProblems(check);
  if (operatorsOf(check).length === 0 && relatedPlaces(check).length === 0)
    found.push({at: [], message: 'nothing is expected: give "is", "in", "at_least" or the like'});
  if (check.match !== undefined && check.format !== 'sshd')
    found.push({at: ['match'], message: '"match" is for the format sshd'});
  const places = relatedPlaces(check);
  for (const [index, key] of relatedKeys.filter(name => check[name] !== undefined).entries()) {
    found.push(...placeProblems(places[index] as SettingCheck).map(({at, message}) => ({at: [key, ...at], message})));
    if (nameOfPlace(places[index] as SettingCheck) === nameOfPlace(check))
      found.push({at: [key], message: 'this is the setting itself: name another unit, file, section or key'});
  }
  return found;
}

function judgeFound(
  check: SettingCheck,
  subject: string,
  found: Found[],
  read: string[],
  other: {compared: Comparison[]; where: string[]; cures: string[]},
): Judgement {
  const set = found.filter(({fact}) => fact.values.length > 0);
  const where = set.length > 0 ? [] : [...read];
  const compared: Comparison[] = [];
  const cures: Array<string | undefined> = [];
  const expects = operatorsOf(check).length > 0;
  for (const {key, fact} of set.length > 0 ? set : found.slice(0, 1)) {
    const own = defaultOf(check, fact);
    if (own !== null && 'unseen' in own && fact.values.length === 0)
      return {subject, verdict: 'unknown', reason: own.unseen};
    const known = own !== null && 'value' in own ? own : null;
    const what = set.length > 0 ? key : listOf(check.key).join(' or ');
    if (expects) compared.push(compareValues(check, what, fact.values, known));
    if (expects && compared.at(-1)?.ok === false)
      cures.push(shapeCure(check, fact, key) ?? cureOf({...check, key}, fact, check.unit));
    where.push(...placesOf(fact.values));
    for (const {condition, where: place, values} of check.match === 'global' ? [] : fact.conditional) {
      const comparison = compareValues(check, `${key} in ${condition} (${place})`, values, known);
      compared.push(comparison);
      if (comparison.ok) continue;
      where.push(place);
      cures.push(`change or remove ${key} in ${condition} at ${placesOf(values).join(', ') || place}`);
    }
  }
  const cure = [...new Set([...cures, ...other.cures].filter(text => text !== undefined))].join('; ');
  return judged(subject, hidden(check, [...compared, ...other.compared]), {
    where: [...new Set([...where, ...other.where])],
    scope: 'persistent',
    cure: cure === '' ? undefined : cure,
  });
}

/** The program's own value where reeve knows it, else the rule's. */
function defaultOf(
  check: SettingCheck,
  fact: SettingFact,
): {value: string; source: string | null} | {unseen: string} | null {
  if (fact.default !== null && 'value' in fact.default) return fact.default;
  return check.default === undefined ? fact.default : {value: check.default, source: null};
}

const placesOf = (values: SettingValue[]): string[] => [...new Set(values.map(({where}) => where))];

/**
 * Compares what is set, or the program's own value when nothing is. Whether something is `present` asks for what is
 * set alone. `actual` says of a default that it is one.
 */
function compareValues(
  check: SettingCheck,
  what: string,
  values: SettingValue[],
  own: {value: string; source: string | null} | null,
): Comparison {
  if (values.length > 0 || own === null)
    return compareExpectation(
      what,
      check,
      values.map(({value}) => value),
    );
  const {present, ...rest} = check;
  const comparison = compareExpectation(what, rest, own.value);
  const ok = comparison.ok && present !== true;
  return {
    ...comparison,
    expected: wantedText(check),
    actual: `${own.value} (default${own.source === null ? '' : ` of ${own.source}`})`,
    ok,
  };
}
