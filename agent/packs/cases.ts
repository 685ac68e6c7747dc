import type {Finding, Verdict} from '../../policies/finding.ts';
import type {PackFile} from '../../policies/load/pack.ts';
import {loadPack, type PackSource, shapeProblems} from '../../policies/load/pack.ts';
import type {Problem} from '../../policies/load/problem.ts';
import {readYaml, type YamlFile} from '../../policies/load/yaml.ts';
import type {Pack, ParamValue, Rule} from '../../policies/pack.ts';
import {heaviest} from '../../policies/summary.ts';
import {checkHost} from '../check.ts';
import {type Fixture, fixtureSchema, mergeFixtures} from '../host/memory/fixture.ts';
import {memoryHost} from '../host/memory/host.ts';

/** One written-down machine, the rule that it is for, and what the rule must say of it. */
export type Case = {rule: string; verdict: Verdict; path: string; fixture: Fixture; yaml: YamlFile};

const namePattern = /^(?<rule>[a-z0-9.-]+)\.(?<verdict>pass|fail|unknown|not-applicable)(?:\.[a-z0-9-]+)?\.yaml$/;

/**
 * Reads `cases/*.yaml` of a pack. `bases` are the fixtures that `from:` may name, by name.
 * A name's first part is a rule id, which may itself hold dots, so the ids decide where it ends.
 */
export function readCases(
  files: PackFile[],
  rules: Rule[],
  bases: Map<string, Fixture>,
): {cases: Case[]; problems: Problem[]} {
  const ids = new Set(rules.map(rule => rule.id));
  const cases: Case[] = [];
  const problems: Problem[] = [];
  for (const file of files) {
    const {rule, verdict} = namePattern.exec(file.name)?.groups ?? {};
    const yaml = readYaml(file.path, file.text);
    if (rule === undefined || verdict === undefined || !ids.has(rule)) {
      const message = `"${file.name}" names no rule of this pack: <rule id>.<pass|fail|unknown|not-applicable>[.<what>].yaml is wanted`;
      problems.push(yaml.problem([], message, 'REEVE_CASE_ORPHAN'));
      continue;
    }
    const {fixture, problems: found} = readFixture(yaml, bases);
    problems.push(...found);
    if (fixture !== null) cases.push({rule, verdict: verdict as Verdict, path: file.path, fixture, yaml});
  }
  return {cases, problems};
}

/** Reads one fixture, laid over its base. */
export function readFixture(
  yaml: YamlFile,
  bases: Map<string, Fixture>,
): {fixture: Fixture | null; problems: Problem[]} {
  const value = yaml.value ?? {};
  const problems = [
    ...yaml.problems,
    ...(yaml.problems.length > 0 ? [] : shapeProblems(yaml, fixtureSchema, [], value)),
  ];
  if (problems.length > 0) return {fixture: null, problems};
  const fixture = value as Fixture;
  if (fixture.from === undefined) return {fixture, problems: []};
  const base = bases.get(fixture.from);
  if (base !== undefined) return {fixture: mergeFixtures(base, fixture), problems: []};
  const message = `there is no base "${fixture.from}": known are ${[...bases.keys()].join(', ') || 'none'}`;
  return {fixture: null, problems: [yaml.problem(['from'], message, 'REEVE_VALUE_INVALID')]};
}

/** Looks at the case's machine and judges one rule. */
export async function runCase(
  rule: Rule,
  {fixture}: Pick<Case, 'fixture'>,
): Promise<{verdict: Verdict | null; findings: Finding[]}> {
  const findings = await checkHost(memoryHost(fixture), [rule]);
  return {verdict: heaviest(findings), findings};
}

/** The pack as a case sees it: with the case's parameters. */
export function packForCase(source: PackSource, pack: Pack, {fixture}: Case): Pack {
  if (fixture.params === undefined) return pack;
  const loaded = loadPack(source, {...pack.params, ...(fixture.params as {[name: string]: ParamValue})});
  if (loaded.value === null) throw new Error(loaded.problems.map(({message}) => message).join('; '));
  return loaded.value;
}

/** What is wrong with how a case came out, or null. */
export function caseProblem(test: Case, verdict: Verdict | null, findings: Finding[]): Problem | null {
  if (verdict !== test.verdict) {
    const message = `the rule says ${verdict ?? 'nothing'} here, the case's name says ${test.verdict}: ${explainFindings(findings)}`;
    return test.yaml.problem([], message, 'REEVE_CASE_VERDICT');
  }
  if (test.fixture.finds === undefined) return null;
  const subjects = findings
    .filter(finding => finding.verdict === 'fail')
    .map(({subject}) => subject)
    .sort();
  const wanted = test.fixture.finds.toSorted();
  if (JSON.stringify(subjects) === JSON.stringify(wanted)) return null;
  const message = `the rule reports ${JSON.stringify(subjects)}, the case's "finds" says ${JSON.stringify(wanted)}`;
  return test.yaml.problem(['finds'], message, 'REEVE_CASE_VERDICT', 'key');
}

function explainFindings(findings: Finding[]): string {
  return findings
    .slice(0, 5)
    .map(finding => {
      if ('reason' in finding) return `${finding.subject}: ${finding.verdict}, ${finding.reason}`;
      if (finding.verdict === 'error') return `${finding.subject}: ${finding.error.message}`;
      return `${finding.subject}: ${finding.verdict}, found ${JSON.stringify(finding.actual)}, wanted ${JSON.stringify(finding.expected)}`;
    })
    .join('; ');
}
