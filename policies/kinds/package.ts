import type {Static} from 'typebox';
import * as Type from 'typebox';
import {withoutValue} from '../facts/answer.ts';
import type {Facts} from '../facts/index.ts';
import type {PackageFact, PackagesFact} from '../facts/packages.ts';
import {type Comparison, type Judgement, judged} from '../finding.ts';
import {isPresent} from '../package-state.ts';
import {compareRpmVersions} from '../rpm-version.ts';
import {compareVersions} from '../version.ts';
import {defineKind} from './kind.ts';
import {judgeSources} from './package/sources.ts';
import {judgeFiles} from './package/verified.ts';
import {listOf, orList, shellWord} from './shared.ts';

const name = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9+._-]*$',
  maxLength: 200,
  wanted: 'the name of a package',
});
const nameOrList = Type.Union([name, Type.Array(name, {minItems: 1, maxItems: 100})], {
  wanted: 'a name or a list of names',
});

const schema = Type.Object(
  {
    name: Type.Optional(nameOrList),
    installed: Type.Optional(Type.Boolean()),
    version_at_least: Type.Optional(Type.String({minLength: 1, maxLength: 200})),
    held: Type.Optional(Type.Literal(false, {wanted: 'false'})),
    verified: Type.Optional(Type.Literal(true, {wanted: 'true'})),
    all: Type.Optional(Type.Enum(['consistent', 'signed-sources'], {wanted: 'one of consistent, signed-sources'})),
    any_of: Type.Optional(Type.Array(name, {minItems: 1, maxItems: 100, wanted: 'a list of names'})),
  },
  {additionalProperties: false},
);
/** `held: true` and `verified: false` come from {@link Kind.flips} alone. */
type PackageCheck = Omit<Static<typeof schema>, 'held' | 'verified'> & {held?: boolean; verified?: boolean};

const expectations = ['installed', 'version_at_least', 'held', 'verified'] as const;
const impossible = 'no-such-package-anywhere';

export const packageKind = defineKind<typeof schema>({
  name: 'package',
  summary:
    'Installed packages of dpkg or rpm: presence, version, hold, files against the package database, signatures.',
  schema,
  problems: check => problemsOf(check),
  canBeEmpty: check => check.name !== undefined && check.installed === undefined,
  wants: check => [
    ...(check.all === 'signed-sources' ? [{fact: 'repositories'} as const] : [{fact: 'packages'} as const]),
    ...(check.verified === undefined
      ? []
      : listOf(check.name).map(each => ({fact: 'packageFiles', package: each}) as const)),
  ],
  judge: (check, facts) => judge(check, facts),
  flips: check => flips(check) as Array<{what: string; check: typeof check}>,
  looks: check => {
    if (check.all === 'signed-sources') return "Reads apt's sources and apt.conf, or dnf.conf and the .repo files.";
    const files = check.verified === undefined ? '' : ' and compares each file with its digest there';
    return `Reads dpkg's or rpm's package database${files}.`;
  },
  wanted: check => wanted(check),
});

function problemsOf(check: PackageCheck): Array<{at: string[]; message: string}> {
  const subjects = (['name', 'all', 'any_of'] as const).filter(key => check[key] !== undefined);
  if (subjects.length !== 1) return [{at: subjects.slice(1, 2), message: 'give one of "name", "all" and "any_of"'}];
  const expected = expectations.filter(key => check[key] !== undefined);
  if (check.name === undefined) {
    return expected.map(key => ({at: [key], message: `"${key}" goes with "name" only`}));
  }
  if (expected.length === 0)
    return [{at: [], message: `nothing is expected: give at least one of ${expectations.join(', ')}`}];
  if (check.installed === false && expected.length > 1) {
    return [{at: ['installed'], message: 'a package that must not be installed can have no other expectations'}];
  }
  return [];
}

function wanted(check: PackageCheck): string {
  if (check.all !== undefined) {
    return check.all === 'consistent'
      ? 'no package is half-installed or unconfigured'
      : 'every repository demands signatures';
  }
  if (check.any_of !== undefined) return `${orList(check.any_of)} is installed`;
  const parts = [
    check.installed === undefined ? '' : check.installed ? 'installed' : 'not installed',
    check.version_at_least === undefined ? '' : `version at least ${check.version_at_least}`,
    check.held === undefined ? '' : 'not held back',
    check.verified === undefined ? '' : 'files as the package database says',
  ];
  return `${listOf(check.name).join(', ')}: ${parts.filter(part => part !== '').join(', ')}`;
}

function judge(check: PackageCheck, facts: Facts): Judgement[] {
  if (check.all === 'signed-sources') return judgeSources(facts);
  const subject = check.all ?? (check.any_of === undefined ? listOf(check.name).join(', ') : orList(check.any_of));
  const answer = facts.get({fact: 'packages'});
  if (answer.state === 'unseen' || answer.state === 'live-only') return [withoutValue(subject, answer)];
  if (answer.state === 'absent') return [{subject, verdict: 'not-applicable', reason: answer.reason}];
  const {value, where} = answer;
  if (check.all === 'consistent') return judgeConsistent(value, where);
  if (check.any_of !== undefined) return [judgeAnyOf(check.any_of, value, where)];
  return listOf(check.name).map(each => judgeName(each, check, value, where, facts));
}

const show = ({name: called, version, status}: PackageFact) =>
  `${called} ${version}${status.endsWith(' installed') || status === 'installed' ? '' : ` (${status})`}`.trim();
const isApt = ({manager}: PackagesFact) => manager === 'dpkg';

function judgeName(called: string, check: PackageCheck, fact: PackagesFact, where: string[], facts: Facts): Judgement {
  const there = fact.packages.filter(each => each.name === called && isPresent(each));
  const installed = there.filter(each => each.installed);
  const compared: Comparison[] = [];
  const cures: string[] = [];
  const add = (comparison: Comparison, cure: string) => {
    compared.push(comparison);
    if (!comparison.ok) cures.push(cure);
  };
  const word = shellWord(called);
  if (check.installed !== undefined) {
    const ok = check.installed ? installed.length > 0 : there.length === 0;
    const manager = isApt(fact) ? 'apt-get' : 'dnf';
    add(
      {
        what: 'installed',
        expected: check.installed,
        actual: there.length === 0 ? false : there.map(show).join(', '),
        ok,
      },
      `${manager} ${check.installed ? 'install' : 'remove'} ${word}`,
    );
  }
  if (there.length === 0) {
    if (check.installed === undefined) return {subject: called, verdict: 'none', reason: `${called} is not installed`};
    return judged(called, compared, {where, scope: 'persistent', cure: cures.join('; ')});
  }
  if (check.version_at_least !== undefined) add(...judgeVersion(check.version_at_least, there, fact, word));
  if (check.held !== undefined) {
    const held = there.some(each => each.held);
    add(
      {what: 'held', expected: check.held, actual: held, ok: held === check.held},
      isApt(fact) ? `apt-mark unhold ${word}` : `dnf versionlock delete ${word}`,
    );
  }
  if (check.verified !== undefined) {
    const files = judgeFiles(called, check.verified, facts);
    if ('reason' in files && compared.every(({ok}) => ok)) return {subject: called, ...files};
    if (!('reason' in files))
      add(files.comparison, isApt(fact) ? `apt-get install --reinstall ${word}` : `dnf reinstall ${word}`);
  }
  return judged(called, compared, {where, scope: 'persistent', cure: cures.length > 0 ? cures.join('; ') : undefined});
}

function judgeVersion(bound: string, there: PackageFact[], fact: PackagesFact, word: string): [Comparison, string] {
  const compare = isApt(fact) ? compareVersions : compareRpmVersions;
  const comparison = {
    what: 'version',
    expected: `at least ${bound}`,
    actual: there.map(({version}) => version).join(', '),
    ok: there.every(({version}) => compare(version, bound) >= 0),
  };
  return [comparison, isApt(fact) ? `apt-get install --only-upgrade ${word}` : `dnf upgrade ${word}`];
}

function judgeAnyOf(names: string[], {packages, manager}: PackagesFact, where: string[]): Judgement {
  const found = packages.filter(each => each.installed && names.includes(each.name));
  const actual = found.length > 0 ? found.map(show).join(', ') : 'none of them';
  const cure = `${manager === 'dpkg' ? 'apt-get' : 'dnf'} install ${shellWord(names[0] as string)}`;
  return judged(
    orList(names),
    [{what: 'installed', expected: `one of ${names.join(', ')}`, actual, ok: found.length > 0}],
    {where, scope: 'persistent', cure},
  );
}

/** One finding a package that was left half-way; rpm knows no such state. */
function judgeConsistent({packages}: PackagesFact, where: string[]): Judgement[] {
  const broken = packages.filter(each => isPresent(each) && !each.installed);
  if (broken.length === 0) {
    return [
      judged('packages', [{what: 'state', expected: 'all installed', actual: 'all installed', ok: true}], {
        where,
        scope: 'persistent',
      }),
    ];
  }
  return broken.map(({name: called, status}) =>
    judged(called, [{what: 'state', expected: 'installed', actual: status, ok: false}], {
      where,
      scope: 'persistent',
      cure: `dpkg --configure -a; apt-get install --reinstall ${shellWord(called)}`,
    }),
  );
}

function flips(check: PackageCheck): Array<{what: string; check: PackageCheck}> {
  if (check.any_of !== undefined) return [{what: 'any_of', check: {any_of: [impossible]}}];
  if (check.all !== undefined) return [{what: 'all', check: {name: impossible, installed: true}}];
  const opposites: PackageCheck = {
    installed: !check.installed,
    version_at_least: '999999999:0',
    held: !check.held,
    verified: !check.verified,
  };
  return expectations
    .filter(key => check[key] !== undefined)
    .map(key => ({what: key, check: {...check, [key]: opposites[key]}}));
}
