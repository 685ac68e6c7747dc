import type {Static} from 'typebox';
import * as Type from 'typebox';
import type {ParamValue} from '../pack.ts';
import type {Problem} from './problem.ts';
import type {YamlFile} from './yaml.ts';

/** What a pack says of one parameter that a site may set. */
export const paramSchema = Type.Object(
  {
    type: Type.Enum(['int', 'text', 'bool', 'list'], {wanted: 'one of int, text, bool, list'}),
    about: Type.String({minLength: 3, maxLength: 200}),
    default: Type.Union([
      Type.Number(),
      Type.String(),
      Type.Boolean(),
      Type.Array(Type.Union([Type.Number(), Type.String(), Type.Boolean()])),
    ]),
    min: Type.Optional(Type.Number()),
    max: Type.Optional(Type.Number()),
  },
  {additionalProperties: false},
);
export type ParamDeclaration = Static<typeof paramSchema>;

/** Each declared default must itself be a value that the declaration allows. */
export function paramProblems(yaml: YamlFile, params: {[name: string]: ParamDeclaration}): Problem[] {
  return Object.entries(params).flatMap(([name, declared]) => {
    const message = formatParamProblem(name, declared.default as ParamValue, declared);
    return message === null ? [] : [yaml.problem(['params', name, 'default'], message, 'REEVE_VALUE_INVALID')];
  });
}

/** What is wrong with a value for a parameter, or null. */
export function formatParamProblem(
  name: string,
  value: ParamValue,
  declared: ParamDeclaration | undefined,
): string | null {
  if (declared === undefined) return `the pack has no parameter "${name}"`;
  const right = {
    int: Number.isInteger(value),
    text: typeof value === 'string',
    bool: typeof value === 'boolean',
    list: Array.isArray(value),
  }[declared.type];
  if (!right) return `parameter "${name}" is ${JSON.stringify(value)}: ${declared.type} wanted`;
  if (typeof value !== 'number') return null;
  if (declared.min !== undefined && value < declared.min)
    return `parameter "${name}" is ${value}: at least ${declared.min} wanted`;
  if (declared.max !== undefined && value > declared.max)
    return `parameter "${name}" is ${value}: at most ${declared.max} wanted`;
  return null;
}
