import {loadPack, type PackFile, type PackSource} from '../../policies/load/pack.ts';
import {type Problem, sortProblems} from '../../policies/load/problem.ts';
import {readYaml} from '../../policies/load/yaml.ts';
import type {CheckNode, Pack, Rule} from '../../policies/pack.ts';
import type {Fixture} from '../host/memory/fixture.ts';
import {type Case, caseProblem, packForCase, readCases, readFixture, runCase} from './cases.ts';
import type {PackFolder, PackProofs} from './disk.ts';
import {mutantsOf} from './mutants.ts';

export type LintResult = {pack: Pack | null; rules: number; cases: number; mutants: number; problems: Problem[]};

/**
 * All that a pack must hold to, beyond loading: pass and fail cases for every rule, each case coming out as its name
 * says, every mutant noticed, no two rules with one check. `bases` are the shipped fixtures that cases build on; with
 * `rule`, only that rule's cases are run.
 */
export async function lintPack(
  folder: PackFolder & PackProofs,
  bases: Map<string, Fixture>,
  options: {mutate: boolean; rule?: string},
): Promise<LintResult> {
  const source: PackSource = {files: folder.files, signed: true};
  const loaded = loadPack(source);
  if (loaded.value === null)
    return {pack: null, rules: 0, cases: 0, mutants: 0, problems: sortProblems(loaded.problems)};
  const pack = loaded.value;
  const own = readBases(folder.bases, bases);
  const {cases, problems: unread} = readCases(folder.cases, pack.rules, own.bases);
  const problems = [...own.problems, ...unread, ...sameChecks(pack), ...missingCases(pack, cases, folder)];
  let mutants = 0;
  for (const rule of pack.rules) {
    if (options.rule !== undefined && options.rule !== rule.id) continue;
    const tests = cases.filter(test => test.rule === rule.id);
    const wrong = await runCases(source, pack, tests);
    problems.push(...wrong);
    if (!options.mutate || wrong.length > 0 || tests.length === 0) continue;
    const outcome = await tryMutants(source, pack, rule, tests);
    mutants += outcome.tried;
    problems.push(
      ...outcome.survivors.map(what =>
        ruleProblem(rule, folder, `no case of "${rule.id}" notices this: ${what}`, 'REEVE_CASE_MISSING'),
      ),
    );
  }
  return {pack, rules: pack.rules.length, cases: cases.length, mutants, problems: sortProblems(problems)};
}

/** The bases that reeve ships, with the pack's own, which win. */
export function readBases(
  files: PackFile[],
  shipped: Map<string, Fixture>,
): {bases: Map<string, Fixture>; problems: Problem[]} {
  const bases = new Map(shipped);
  const problems: Problem[] = [];
  for (const file of files) {
    const read = readFixture(readYaml(file.path, file.text), bases);
    problems.push(...read.problems);
    if (read.fixture !== null) bases.set(file.name.replace(/\.yaml$/, ''), read.fixture);
  }
  return {bases, problems};
}

async function runCases(source: PackSource, pack: Pack, tests: Case[]): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const test of tests) {
    const rule = packForCase(source, pack, test).rules.find(({id}) => id === test.rule) as Rule;
    const {verdict, findings} = await runCase(rule, test);
    const problem = caseProblem(test, verdict, findings);
    if (problem !== null) problems.push(problem);
  }
  return problems;
}

async function tryMutants(
  source: PackSource,
  pack: Pack,
  rule: Rule,
  tests: Case[],
): Promise<{tried: number; survivors: string[]}> {
  const survivors: string[] = [];
  let tried = 0;
  const variants = tests.map(test => ({
    test,
    mutants: mutantsOf(packForCase(source, pack, test).rules.find(({id}) => id === rule.id) as Rule),
  }));
  for (const [index, {what}] of mutantsOf(rule).entries()) {
    tried++;
    let noticed = false;
    for (const {test, mutants} of variants) {
      const mutant = mutants[index];
      noticed ||= mutant === undefined || (await runCase(mutant.rule, test)).verdict !== test.verdict;
      if (noticed) break;
    }
    if (!noticed) survivors.push(what);
  }
  return {tried, survivors};
}

function missingCases(pack: Pack, cases: Case[], folder: PackFolder): Problem[] {
  return pack.rules.flatMap(rule =>
    (['pass', 'fail'] as const)
      .filter(verdict => !cases.some(test => test.rule === rule.id && test.verdict === verdict))
      .map(verdict =>
        ruleProblem(
          rule,
          folder,
          `rule "${rule.id}" has no ${verdict} case: write cases/${rule.id}.${verdict}.yaml`,
          'REEVE_CASE_MISSING',
        ),
      ),
  );
}

function sameChecks(pack: Pack): Problem[] {
  const first = new Map<string, Rule>();
  const problems: Problem[] = [];
  for (const rule of pack.rules) {
    const key = JSON.stringify([plain(rule.check), rule.applies]);
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, rule);
    else problems.push(placeOf(rule, `rule "${rule.id}" checks the same as "${earlier.id}"`, 'REEVE_PACK_SAME_CHECK'));
  }
  return problems;
}

function plain(node: CheckNode): unknown {
  if ('all' in node) return {all: node.all.map(plain)};
  if ('any' in node) return {any: node.any.map(plain)};
  return {[node.kind.name]: node.check};
}

function placeOf(rule: Rule, message: string, code: Problem['code']): Problem {
  const split = rule.where.lastIndexOf(':');
  return {path: rule.where.slice(0, split), line: Number(rule.where.slice(split + 1)), column: 1, message, code};
}

function ruleProblem(rule: Rule, folder: PackFolder, message: string, code: Problem['code']): Problem {
  const problem = placeOf(rule, message, code);
  const source = folder.files.find(file => file.path === problem.path)?.text.split('\n')[problem.line - 1];
  return source === undefined ? problem : {...problem, source};
}
