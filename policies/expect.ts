import type {Static} from 'typebox';
import * as Type from 'typebox';
import type {Comparison} from './finding.ts';
import {matchesPattern} from './pattern.ts';
import {compareTyped, type ValueType, valueTypes} from './values.ts';

const scalar = Type.Union([Type.String({maxLength: 4096}), Type.Number(), Type.Boolean()], {
  wanted: 'text, a number or true/false',
});
const scalars = Type.Array(scalar, {minItems: 1, maxItems: 256, wanted: 'a list with at least one value'});
const patterns = Type.Array(Type.String({maxLength: 256}), {
  minItems: 1,
  maxItems: 64,
  wanted: 'a list of patterns with * and ?',
});

/** The keys with which a rule says what a value should be. Spread into a kind's schema. */
export const expectationKeys = {
  is: Type.Optional(scalar),
  is_not: Type.Optional(scalar),
  in: Type.Optional(scalars),
  not_in: Type.Optional(scalars),
  at_least: Type.Optional(scalar),
  at_most: Type.Optional(scalar),
  contains: Type.Optional(scalars),
  contains_none: Type.Optional(scalars),
  like: Type.Optional(patterns),
  not_like: Type.Optional(patterns),
  length_at_least: Type.Optional(Type.Integer({minimum: 1, maximum: 4096})),
  present: Type.Optional(Type.Boolean()),
  as: Type.Optional(Type.Enum([...valueTypes], {wanted: `one of ${valueTypes.join(', ')}`})),
};

export const expectationSchema = Type.Object(expectationKeys, {additionalProperties: false});
export type Expectation = Static<typeof expectationSchema>;
type Scalar = Static<typeof scalar>;

const operators = [
  'is',
  'is_not',
  'in',
  'not_in',
  'at_least',
  'at_most',
  'contains',
  'contains_none',
  'like',
  'not_like',
  'length_at_least',
  'present',
] as const;
type Operator = (typeof operators)[number];

/** The operators that a check uses; an expectation without any is a problem for the kind to refuse. */
export function operatorsOf(expectation: Expectation): Operator[] {
  return operators.filter(operator => expectation[operator] !== undefined);
}

/** `at least 5 and not in [7, 8]` */
export function wantedText(expectation: Expectation): string {
  return operatorsOf(expectation)
    .map(operator => operatorText(operator, expectation))
    .join(' and ');
}

function operatorText(operator: Operator, expectation: Expectation): string {
  const value = expectation[operator];
  const list = Array.isArray(value) ? value.map(String).join(', ') : String(value);
  switch (operator) {
    case 'is':
      return list;
    case 'is_not':
      return `not ${list}`;
    case 'in':
      return `one of ${list}`;
    case 'not_in':
      return `none of ${list}`;
    case 'at_least':
      return `at least ${list}`;
    case 'at_most':
      return `at most ${list}`;
    case 'contains':
      return `containing ${list}`;
    case 'contains_none':
      return `without ${list}`;
    case 'like':
      return `like ${list}`;
    case 'not_like':
      return `not like ${list}`;
    case 'length_at_least':
      return `at least ${list} ${value === 1 ? 'character' : 'characters'} long`;
    case 'present':
      return value === true ? 'set' : 'not set';
  }
}

/**
 * Compares what was found with what is wanted. `actual` null means that nothing is set and there is no default: only
 * `present: false`, `is_not`, `not_in`, `contains_none` and `not_like` hold then. A list is compared as a whole: `is`,
 * `in` and `like` hold when every element does, and an empty list counts as null.
 * A value that is not of the type that the rule names (`as:`) never satisfies it.
 */
export function compareExpectation(
  what: string,
  expectation: Expectation,
  actual: string | string[] | null,
): Comparison {
  const values = actual === null ? [] : Array.isArray(actual) ? actual : [actual];
  const type: ValueType = expectation.as ?? 'text';
  const ok = operatorsOf(expectation).every(operator => holds(operator, expectation, values, type));
  const shown = values.length === 0 ? 'not set' : values.length === 1 ? (values[0] as string) : values;
  return {what, expected: wantedText(expectation), actual: shown, ok};
}

function holds(operator: Operator, expectation: Expectation, values: string[], type: ValueType): boolean {
  const equal = (actual: string, wanted: Scalar) => compareTyped(type, actual, String(wanted)) === 0;
  const cased = (text: string) => (type === 'text-any-case' ? text.toLowerCase() : text);
  const like = (actual: string, pattern: string) => matchesPattern(cased(pattern), cased(actual));
  switch (operator) {
    case 'present':
      return values.length > 0 === expectation.present;
    case 'is':
      return values.length > 0 && values.every(value => equal(value, expectation.is as Scalar));
    case 'is_not':
      return values.every(value => !equal(value, expectation.is_not as Scalar));
    case 'in':
      return values.length > 0 && values.every(value => (expectation.in ?? []).some(wanted => equal(value, wanted)));
    case 'not_in':
      return values.every(value => !(expectation.not_in ?? []).some(unwanted => equal(value, unwanted)));
    case 'at_least':
      return values.length > 0 && values.every(value => atLeast(type, value, String(expectation.at_least)));
    case 'at_most':
      return values.length > 0 && values.every(value => atLeast(type, String(expectation.at_most), value));
    case 'contains':
      return (expectation.contains ?? []).every(wanted => elements(values).some(value => equal(value, wanted)));
    case 'contains_none':
      return !(expectation.contains_none ?? []).some(unwanted =>
        elements(values).some(value => equal(value, unwanted)),
      );
    case 'like':
      return values.length > 0 && values.every(value => (expectation.like ?? []).some(wanted => like(value, wanted)));
    case 'not_like':
      return values.every(value => !(expectation.not_like ?? []).some(unwanted => like(value, unwanted)));
    case 'length_at_least':
      return values.length > 0 && values.every(value => value.length >= (expectation.length_at_least ?? 0));
  }
}

function atLeast(type: ValueType, greater: string, less: string): boolean {
  const order = compareTyped(type === 'text' ? 'number' : type, greater, less);
  return order !== null && order >= 0;
}

/** The members of list values such as `aes256-ctr,aes128-ctr` or `a b`. */
function elements(values: string[]): string[] {
  return values.flatMap(value => value.split(/[\s,]+/)).filter(value => value !== '');
}

/** For {@link Kind.flips}: the expectation with one operator at a time turned so that its verdict must turn. */
export function flipExpectation<E extends Expectation>(expectation: E): Array<{what: string; check: E}> {
  return operatorsOf(expectation).map(operator => ({what: operator, check: flipOperator(operator, expectation)}));
}

function flipOperator<E extends Expectation>(operator: Operator, expectation: E): E {
  const {[operator]: value, ...rest} = expectation;
  const opposite: {[O in Operator]: Partial<Expectation>} = {
    is: {is_not: value as Scalar},
    is_not: {is: value as Scalar},
    in: {not_in: value as Scalar[]},
    not_in: {in: value as Scalar[]},
    at_least: {at_most: below(value as Scalar, expectation.as)},
    at_most: {at_least: above(value as Scalar, expectation.as)},
    contains: {contains_none: value as Scalar[]},
    contains_none: {contains: value as Scalar[]},
    like: {not_like: value as string[]},
    not_like: {like: value as string[]},
    length_at_least: {length_at_least: 4096},
    present: {present: !(value as boolean)},
  };
  return {...rest, ...opposite[operator]} as E;
}

/** A bound that nothing which satisfied the old one satisfies; units stay as they are. */
function below(value: Scalar, type: ValueType | undefined): Scalar {
  return type === 'version' ? '0~~' : shift(value, -1);
}
function above(value: Scalar, type: ValueType | undefined): Scalar {
  return type === 'version' ? `${value}+999999` : shift(value, 1);
}
function shift(value: Scalar, by: number): Scalar {
  const match = /^(-?\d+(?:\.\d+)?)(.*)$/.exec(String(value));
  return match === null ? value : `${Number(match[1]) + by}${match[2]}`;
}
