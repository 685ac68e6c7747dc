import type {Static} from 'typebox';
import * as Type from 'typebox';

const unitName = Type.String({
  minLength: 1,
  maxLength: 256,
  pattern: '^[A-Za-z0-9:_.@\\\\*-]+$',
  wanted: 'a systemd unit such as "nginx.service"',
});
const name = Type.String({minLength: 1, maxLength: 512});
const exceptions = Type.Object(
  {except: Type.Optional(Type.Array(name, {maxItems: 256, wanted: 'a list of names'}))},
  {additionalProperties: false, wanted: '{except: [names]}'},
);
const yes = Type.Literal(true, {wanted: 'true'});

export const macSchema = Type.Object(
  {
    enforcing: Type.Optional(yes),
    of: Type.Optional(
      Type.Array(Type.Enum(['runtime', 'persistent']), {
        minItems: 1,
        maxItems: 2,
        wanted: 'a list of runtime, persistent',
      }),
    ),
    module: Type.Optional(Type.Enum(['selinux', 'apparmor', 'any'], {wanted: 'one of selinux, apparmor, any'})),
    policy_type: Type.Optional(Type.Array(name, {minItems: 1, maxItems: 16, wanted: 'a list of policy types'})),
    permissive_domains: Type.Optional(exceptions),
    complain_profiles: Type.Optional(exceptions),
    booleans: Type.Optional(
      Type.Record(Type.String({pattern: '^[A-Za-z0-9_.-]{1,128}$'}), Type.Boolean(), {
        minProperties: 1,
        maxProperties: 200,
        wanted: 'names with true or false',
      }),
    ),
    unit_confined: Type.Optional(
      Type.Union([unitName, Type.Array(unitName, {minItems: 1, maxItems: 64})], {
        wanted: 'a systemd unit or a list of them',
      }),
    ),
    exe_attached: Type.Optional(yes),
    denials_at_most: Type.Optional(
      Type.Object(
        {
          count: Type.Optional(Type.Integer({minimum: 0, maximum: 1_000_000})),
          hours: Type.Optional(Type.Integer({minimum: 1, maximum: 24 * 90})),
          unit: Type.Optional(unitName),
        },
        {additionalProperties: false, wanted: '{count: 0, hours: 24}'},
      ),
    ),
    /** The contrary of the one expectation that is given. */
    opposite: Type.Optional(yes),
  },
  {additionalProperties: false},
);
export type MacCheck = Static<typeof macSchema>;

export const macExpectations = [
  'enforcing',
  'policy_type',
  'permissive_domains',
  'complain_profiles',
  'booleans',
  'unit_confined',
  'exe_attached',
  'denials_at_most',
] as const;
export type MacExpectation = (typeof macExpectations)[number];

/** Those that speak of one LSM whatever `module` says. */
const ofSelinux: readonly MacExpectation[] = ['policy_type', 'permissive_domains', 'booleans'];
const ofApparmor: readonly MacExpectation[] = ['complain_profiles', 'exe_attached'];

export function macProblems(check: MacCheck): Array<{at: string[]; message: string}> {
  const given = expectationsOf(check);
  const problems: Array<{at: string[]; message: string}> = [];
  if (given.length === 0)
    problems.push({at: [], message: `nothing is expected: give at least one of ${macExpectations.join(', ')}`});
  if (check.opposite && given.length > 1)
    problems.push({at: ['opposite'], message: 'the contrary of several expectations is not clear: give one'});
  for (const [module, keys] of [
    ['apparmor', ofSelinux],
    ['selinux', ofApparmor],
  ] as const) {
    const wrong = check.module === module ? keys.find(key => check[key] !== undefined) : undefined;
    if (wrong !== undefined) problems.push({at: [wrong], message: `"${wrong}" does not go with module: ${module}`});
  }
  return problems;
}

export const expectationsOf = (check: MacCheck): MacExpectation[] =>
  macExpectations.filter(key => check[key] !== undefined);

export type Part = 'runtime' | 'persistent';
export const partsOf = (check: MacCheck): readonly Part[] => check.of ?? ['runtime', 'persistent'];

export const denialHours = (check: MacCheck): number => check.denials_at_most?.hours ?? 24;
