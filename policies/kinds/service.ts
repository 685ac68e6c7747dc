import type {Static} from 'typebox';
import * as Type from 'typebox';
import {withoutValue} from '../facts/answer.ts';
import type {UnitFact} from '../facts/units.ts';
import {type Comparison, type Judgement, judged} from '../finding.ts';
import {defineKind} from './kind.ts';
import {atBoot, findUnit, indexUnits, isActive, type Units, unitPattern} from './service/state.ts';
import {listOf, orList, shellWord} from './shared.ts';

const unitName = Type.String({
  pattern: '^[A-Za-z0-9:_.\\\\@*-]+\\.(service|socket|device|mount|automount|swap|target|path|timer|slice|scope)$',
  maxLength: 255,
  wanted: 'a unit name with its suffix, such as ssh.service',
});
const unitNames = Type.Array(unitName, {minItems: 1, maxItems: 64, wanted: 'a list of unit names'});

const schema = Type.Object(
  {
    unit: Type.Optional(Type.Union([unitName, unitNames], {wanted: 'a unit name with its suffix, or a list of them'})),
    any_of: Type.Optional(unitNames),
    only: Type.Optional(Type.Array(unitName, {maxItems: 256, wanted: 'a list of unit names'})),
    enabled: Type.Optional(Type.Boolean()),
    masked: Type.Optional(Type.Boolean()),
    active: Type.Optional(Type.Boolean()),
  },
  {additionalProperties: false},
);
type ServiceCheck = Static<typeof schema>;

const subjects = ['unit', 'any_of', 'only'] as const;
const expectations = ['enabled', 'masked', 'active'] as const;
const noSuchUnit = 'no-such-unit.service';

export const serviceKind = defineKind<typeof schema>({
  name: 'service',
  summary: 'systemd units: enabled at boot, masked, running; init scripts count as units.',
  schema,
  problems: check => {
    const given = subjects.filter(key => check[key] !== undefined);
    if (given.length !== 1) return [{at: [], message: `one of ${subjects.join(', ')} is wanted`}];
    if (check.unit !== undefined) {
      return expectations.some(key => check[key] !== undefined)
        ? []
        : [{at: [], message: `nothing is expected: give at least one of ${expectations.join(', ')}`}];
    }
    const [key] = given;
    const refused = expectations.filter(
      name => check[name] !== undefined && !(key === 'any_of' && check[name] === true && name !== 'masked'),
    );
    return refused.map(name => ({
      at: [name],
      message: key === 'only' ? `"only" takes no ${name}` : `"any_of" takes "enabled: true" and "active: true" alone`,
    }));
  },
  canBeEmpty: () => true,
  wants: () => [{fact: 'units'}],
  judge: (check, facts): Judgement[] => {
    const answer = facts.get({fact: 'units'});
    const subject = nameOf(check);
    if (answer.state === 'unseen' || answer.state === 'live-only') return [withoutValue(subject, answer)];
    if (answer.state === 'absent') return [{subject, verdict: 'none', reason: answer.reason}];
    const units = indexUnits(answer.value);
    if (units.byName.size === 0)
      return [{subject, verdict: 'none', reason: 'there are no systemd units and no init scripts'}];
    if (check.only !== undefined) return judgeOnly(check.only, units);
    if (check.any_of !== undefined) return [judgeAnyOf(check.any_of, check, units)];
    const judgements = listOf(check.unit).flatMap(name =>
      namedUnits(units, name).map(unit =>
        typeof unit === 'string' ? notInstalled(unit) : judgeUnit(check, unit, units),
      ),
    );
    const found = judgements.filter(({verdict}) => verdict !== 'none');
    return found.length > 0 ? found : judgements.slice(0, 1);
  },
  flips: check => {
    if (check.only !== undefined) return [{what: 'only', check: {only: [noSuchUnit]}}];
    if (check.any_of !== undefined) {
      return [
        {what: 'any_of', check: {...check, enabled: false}},
        ...(check.active === undefined ? [] : [{what: 'active', check: {...check, active: false}}]),
      ];
    }
    return expectations.flatMap(key =>
      check[key] === undefined ? [] : [{what: key, check: {...check, [key]: !check[key]}}],
    );
  },
  looks: check => {
    const files =
      'Reads unit files and the links that enable them in /etc, /run and /usr/lib/systemd/system, and the init scripts of /etc/rc?.d';
    return check.active === undefined ? `${files}.` : `${files}; asks systemctl show what runs.`;
  },
  wanted: check => {
    if (check.only !== undefined) return `no service is enabled but ${orList(check.only) || 'none'}`;
    const parts = expectations.flatMap(key => (check[key] === undefined ? [] : [check[key] ? key : `not ${key}`]));
    if (check.any_of !== undefined)
      return `at least one of ${orList(check.any_of)} is enabled${check.active ? ' and active' : ''}`;
    return `${listOf(check.unit).join(', ')}: ${parts.join(', ')}`;
  },
});

const nameOf = (check: ServiceCheck) =>
  check.only === undefined ? orList(check.any_of ?? listOf(check.unit)) : 'services';
const notInstalled = (name: string): Judgement => ({
  subject: name,
  verdict: 'none',
  reason: `${name} is not installed`,
});

function namedUnits(units: Units, name: string): Array<UnitFact | string> {
  if (!name.includes('*')) return [findUnit(units, name) ?? name];
  const matches = unitPattern(name);
  const found = [...units.byName.values()].filter(unit => matches(unit.name));
  return found.length > 0 ? found : [name];
}

function judgeUnit(check: ServiceCheck, unit: UnitFact, units: Units): Judgement {
  const compared: Comparison[] = [];
  const open: string[] = [];
  const apart: string[] = [];
  const where = new Set<string>([unit.path]);
  let persistent = false;
  let runtime = false;
  if (check.enabled !== undefined) {
    const boot = atBoot(units, unit);
    if (boot.at === 'open') open.push(boot.reason);
    else {
      persistent = true;
      for (const place of boot.where) where.add(place);
      const ok = boot.at === (check.enabled ? 'yes' : 'no');
      compared.push({what: 'at boot', expected: check.enabled ? 'enabled' : 'not enabled', actual: boot.text, ok});
    }
  }
  if (check.masked !== undefined) {
    if (unit.state === 'unseen') open.push(unit.reason);
    else {
      persistent = true;
      const ok = (unit.state === 'masked') === check.masked;
      compared.push({
        what: 'masked',
        expected: check.masked,
        actual: unit.state === 'masked' || `no, ${unit.state}`,
        ok,
      });
    }
  }
  if (check.active !== undefined) {
    const active = isActive(units, unit.name);
    if ('unseen' in active) open.push(active.unseen);
    else if ('notApplicable' in active) apart.push(active.notApplicable);
    else {
      runtime = true;
      compared.push({
        what: 'now',
        expected: check.active ? 'active' : 'not active',
        actual: active.text,
        ok: active.active === check.active,
      });
    }
  }
  const wrong = compared.some(({ok}) => !ok);
  if (!wrong && open.length > 0) return {subject: unit.name, verdict: 'unknown', reason: open.join('; ')};
  if (compared.length === 0) return {subject: unit.name, verdict: 'not-applicable', reason: apart.join('; ')};
  const scope = persistent && runtime ? 'effective' : persistent ? 'persistent' : 'runtime';
  return judged(unit.name, compared, {
    where: [...where],
    scope,
    cure: wrong ? cureOf(check, unit, compared) : undefined,
  });
}

function cureOf(check: ServiceCheck, unit: UnitFact, compared: Comparison[]): string | undefined {
  const wrong = new Set(compared.flatMap(({what, ok}) => (ok ? [] : [what])));
  const name = shellWord(unit.aliasOf ?? unit.name);
  const fixed = unit.state === 'static' || unit.state === 'indirect' || (unit.state === 'generated' && !unit.sysv);
  if (wrong.has('masked') && check.masked) return `systemctl mask --now ${name}`;
  const steps: string[] = [];
  if (unit.state.startsWith('masked') && (wrong.has('masked') || check.enabled)) steps.push(`systemctl unmask ${name}`);
  if (wrong.has('at boot') && !check.enabled)
    steps.push(fixed ? `systemctl mask --now ${name}` : `systemctl disable --now ${name}`);
  else if (wrong.has('at boot') && fixed) steps.push(`systemctl add-wants multi-user.target ${name}`);
  else if (wrong.has('at boot')) steps.push(`systemctl enable --now ${name}`);
  else if (wrong.has('now')) steps.push(`systemctl ${check.active ? 'start' : 'stop'} ${name}`);
  return steps.length > 0 ? steps.join('; ') : undefined;
}

/** `enabled` or `active` false is the opposite, for the mutation test: none of them is. */
function judgeAnyOf(names: string[], check: ServiceCheck, units: Units): Judgement {
  const subject = orList(names);
  const installed = names.flatMap(name => namedUnits(units, name).filter(unit => typeof unit !== 'string'));
  if (installed.length === 0) return {subject, verdict: 'none', reason: `none of ${names.join(', ')} is installed`};
  const open: string[] = [];
  const actual: string[] = [];
  const where: string[] = [];
  let runtime = false;
  let holds = false;
  for (const unit of installed) {
    const boot = atBoot(units, unit);
    if (boot.at === 'open') {
      open.push(boot.reason);
      continue;
    }
    const active = check.active === undefined ? null : isActive(units, unit.name);
    where.push(...boot.where.slice(0, 2));
    actual.push(`${unit.name}: ${boot.text}${active !== null && 'text' in active ? `, ${active.text}` : ''}`);
    if (boot.at !== 'yes') continue;
    if (active !== null && 'unseen' in active) open.push(active.unseen);
    else if (active === null || 'notApplicable' in active || active.active) holds = true;
    runtime ||= active !== null && 'active' in active;
  }
  const opposite = check.enabled === false || check.active === false;
  if (!holds && open.length > 0) return {subject, verdict: 'unknown', reason: [...new Set(open)].join('; ')};
  const expected = `${opposite ? 'none' : 'at least one'} enabled${check.active === undefined ? '' : ' and active'}`;
  const cure = `systemctl enable --now ${shellWord((installed[0] as UnitFact).name)}`;
  return judged(subject, [{what: 'at boot', expected, actual, ok: holds !== opposite}], {
    where,
    scope: runtime ? 'effective' : 'persistent',
    cure,
  });
}

/** Aliases and templates stand for units that are judged themselves; static units are the vendor's to start. */
function judgeOnly(accepted: string[], units: Units): Judgement[] {
  const patterns = accepted.map(unitPattern);
  const against: Judgement[] = [];
  let enabled = 0;
  for (const unit of units.byName.values()) {
    if (!unit.name.endsWith('.service') || unit.name.endsWith('@.service') || unit.state === 'alias') continue;
    const boot = atBoot(units, unit);
    const known = patterns.some(matches => matches(unit.name));
    if (boot.at === 'yes' && unit.state !== 'static') enabled++;
    if (known || unit.state === 'static') continue;
    if (boot.at === 'open') against.push({subject: unit.name, verdict: 'unknown', reason: boot.reason});
    if (boot.at !== 'yes') continue;
    const comparison = {what: 'at boot', expected: 'not enabled, or named in the rule', actual: boot.text, ok: false};
    against.push(
      judged(unit.name, [comparison], {
        where: boot.where,
        scope: 'persistent',
        cure: `systemctl disable --now ${shellWord(unit.name)}`,
      }),
    );
  }
  if (against.length > 0) return against;
  const expected = accepted.length === 0 ? 'none' : orList(accepted);
  return [
    judged('services', [{what: 'enabled services', expected, actual: `${enabled}, all expected`, ok: true}], {
      where: ['/etc/systemd/system'],
      scope: 'persistent',
    }),
  ];
}
