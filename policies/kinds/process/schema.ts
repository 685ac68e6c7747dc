import type {Static} from 'typebox';
import * as Type from 'typebox';
import {isCapability} from '../../capabilities.ts';
import {expectationSchema, operatorsOf} from '../../expect.ts';
import {nameOrNames, pathOrPaths} from '../shared.ts';

const unitName = Type.String({
  pattern: '^[A-Za-z0-9:_.\\\\@*-]{1,255}$',
  wanted: 'a systemd unit such as "nginx.service"',
});
const unitOrUnits = Type.Union([unitName, Type.Array(unitName, {minItems: 1, maxItems: 64})], {
  wanted: 'a systemd unit or a list of them',
});
const capabilities = Type.Array(Type.String({maxLength: 32}), {maxItems: 64, wanted: 'a list of capability names'});

export const processSchema = Type.Object(
  {
    unit: Type.Optional(unitOrUnits),
    under_unit: Type.Optional(unitOrUnits),
    exe: Type.Optional(pathOrPaths),
    name: Type.Optional(nameOrNames),
    except_exe: Type.Optional(pathOrPaths),
    user_in: Type.Optional(nameOrNames),
    user_not_in: Type.Optional(nameOrNames),
    groups_not_in: Type.Optional(nameOrNames),
    capabilities_at_most: Type.Optional(capabilities),
    capabilities_at_least: Type.Optional(capabilities),
    no_new_privileges: Type.Optional(Type.Boolean()),
    seccomp: Type.Optional(Type.Boolean()),
    confined: Type.Optional(Type.Boolean()),
    started_after: Type.Optional(pathOrPaths),
    environment: Type.Optional(
      Type.Record(Type.String({pattern: '^[A-Za-z_][A-Za-z0-9_]*$'}), expectationSchema, {
        minProperties: 1,
        maxProperties: 32,
      }),
    ),
    running: Type.Optional(Type.Boolean()),
  },
  {additionalProperties: false},
);
export type ProcessCheck = Static<typeof processSchema>;

/** What is asked of each process; `running` is asked of the set. */
export const perProcess = [
  'user_in',
  'user_not_in',
  'groups_not_in',
  'capabilities_at_most',
  'capabilities_at_least',
  'no_new_privileges',
  'seccomp',
  'confined',
  'started_after',
  'environment',
] as const;

export function processProblems(check: ProcessCheck): Array<{at: string[]; message: string}> {
  const problems: Array<{at: string[]; message: string}> = [];
  if ([check.unit, check.under_unit, check.exe, check.name].every(value => value === undefined)) {
    problems.push({at: [], message: 'no processes are chosen: give "unit", "exe" or "name"'});
  }
  if (check.unit !== undefined && check.under_unit !== undefined) {
    problems.push({at: ['under_unit'], message: '"under_unit" says the same as "unit": give one of them'});
  }
  if (check.running === undefined && perProcess.every(key => check[key] === undefined)) {
    problems.push({at: [], message: `nothing is expected: give at least one of running, ${perProcess.join(', ')}`});
  }
  if (check.running === false && perProcess.some(key => check[key] !== undefined)) {
    problems.push({at: ['running'], message: 'processes that must not run can have no other expectations'});
  }
  for (const key of ['capabilities_at_most', 'capabilities_at_least'] as const) {
    const unknown = check[key]?.find(name => !isCapability(name));
    if (unknown !== undefined) problems.push({at: [key], message: `"${unknown}" is no capability of capabilities(7)`});
  }
  for (const [name, wanted] of Object.entries(check.environment ?? {})) {
    if (operatorsOf(wanted).length === 0) {
      problems.push({at: ['environment', name], message: 'nothing is expected: give "is", "present" or the like'});
    }
  }
  return problems;
}
