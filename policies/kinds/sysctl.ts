import type {Static} from 'typebox';
import * as Type from 'typebox';
import {compareExpectation, expectationKeys, flipExpectation, operatorsOf, wantedText} from '../expect.ts';
import {withoutValue} from '../facts/answer.ts';
import type {SysctlFact} from '../facts/sysctl.ts';
import {type Comparison, type Judgement, judged} from '../finding.ts';
import {defineKind} from './kind.ts';

const schema = Type.Object(
  {
    key: Type.String({
      pattern: '^[a-z0-9_*-]+(\\.[A-Za-z0-9_*/-]+)+$',
      maxLength: 200,
      wanted: 'a dotted kernel parameter name',
    }),
    of: Type.Optional(
      Type.Array(Type.Enum(['runtime', 'persistent']), {
        minItems: 1,
        maxItems: 2,
        wanted: 'a list of runtime, persistent',
      }),
    ),
    /** The kernel's own value when no configuration sets the key; without it an unset key fails. */
    default: Type.Optional(Type.String()),
    ...expectationKeys,
  },
  {additionalProperties: false},
);
type SysctlCheck = Static<typeof schema>;

export const sysctlKind = defineKind<typeof schema>({
  name: 'sysctl',
  summary: 'A kernel parameter: its running value, and the one that sysctl.d configuration sets at the next boot.',
  schema,
  problems: check =>
    operatorsOf(check).length > 0
      ? []
      : [{at: [], message: 'nothing is expected: give "is", "in", "at_least" or the like'}],
  canBeEmpty: () => true,
  wants: check => [{fact: 'sysctl', key: check.key}],
  judge: (check, facts): Judgement[] => {
    const answer = facts.get({fact: 'sysctl', key: check.key});
    if (answer.state === 'unseen' || answer.state === 'live-only') return [withoutValue(check.key, answer)];
    if (answer.state === 'absent') return [{subject: check.key, verdict: 'none', reason: answer.reason}];
    return judgeKeys(check, answer.value, answer.where);
  },
  flips: check => flipExpectation(check),
  looks: check =>
    `Reads ${scopes(check)
      .map(scope =>
        scope === 'runtime' ? procPath(check.key) : 'sysctl.d and sysctl.conf in the order of systemd-sysctl',
      )
      .join(' and ')}.`,
  wanted: check => `${check.key}: ${wantedText(check)} (${scopes(check).join(' and ')})`,
});

/** A `/` in a dotted name stands for a dot in an interface's name, sysctl.d(5). */
const procPath = (key: string) => `/proc/sys/${key.replace(/[./]/g, character => (character === '.' ? '/' : '.'))}`;

const scopes = (check: SysctlCheck) => check.of ?? ['runtime', 'persistent'];

function judgeKeys(check: SysctlCheck, fact: SysctlFact, where: string[]): Judgement[] {
  const runtime = Array.isArray(fact.runtime) ? fact.runtime : null;
  const keys = [...new Set([...(runtime ?? []).map(({key}) => key), ...fact.persistent.map(({key}) => key)])];
  if (runtime !== null && runtime.length === 0) {
    return [{subject: check.key, verdict: 'none', reason: `this kernel has no parameter ${check.key}`}];
  }
  if (runtime === null && scopes(check).every(scope => scope === 'runtime')) {
    const reason = 'running values can be seen on the running machine only';
    return [{subject: check.key, verdict: 'not-applicable', reason}];
  }
  const subjects = keys.length > 0 ? keys : [check.key];
  return subjects
    .filter(key => runtime === null || runtime.some(entry => entry.key === key))
    .map(key => judgeKey(check, key, fact, where));
}

function judgeKey(check: SysctlCheck, key: string, fact: SysctlFact, where: string[]): Judgement {
  const compared: Comparison[] = [];
  const places: string[] = [];
  const cures: string[] = [];
  const wantsRuntime = scopes(check).includes('runtime') && Array.isArray(fact.runtime);
  const wantsPersistent = scopes(check).includes('persistent');
  const value = check.is ?? check.in?.[0] ?? check.at_least ?? check.at_most;
  if (wantsRuntime && Array.isArray(fact.runtime)) {
    const entry = fact.runtime.find(runtime => runtime.key === key);
    if (entry === undefined || 'unseen' in entry) {
      return {subject: key, verdict: 'unknown', reason: entry?.unseen ?? `the kernel has no parameter ${key}`};
    }
    compared.push(compareExpectation('running', check, entry.value));
    places.push(procPath(key));
    if (!compared.at(-1)?.ok && value !== undefined) cures.push(`sysctl -w ${key}=${value}`);
  }
  if (wantsPersistent) {
    if (fact.unreadable.length > 0) return {subject: key, verdict: 'unknown', reason: fact.unreadable.join('; ')};
    const setting = fact.persistent.find(persistent => persistent.key === key);
    compared.push(compareExpectation('at next boot', check, setting?.value ?? check.default ?? null));
    places.push(...(setting === undefined ? where : [setting.where]));
    if (!compared.at(-1)?.ok && value !== undefined)
      cures.push(`set "${key} = ${value}" in /etc/sysctl.d/60-reeve.conf`);
  }
  const scope = wantsRuntime && wantsPersistent ? 'effective' : wantsRuntime ? 'runtime' : 'persistent';
  return judged(key, compared, {where: places, scope, cure: cures.length > 0 ? cures.join('; ') : undefined});
}
