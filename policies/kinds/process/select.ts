import type {Facts} from '../../facts/index.ts';
import type {ProcessFact} from '../../facts/processes.ts';
import {matchesPath, matchesPattern} from '../../pattern.ts';
import {listOf, orList} from '../shared.ts';
import type {ProcessCheck} from './schema.ts';

/** A process that may be one of those chosen: what would tell could not be read. */
export type Unsure = {process: ProcessFact; reason: string};

/** The processes that the rule speaks of. Kernel threads are never among them. */
export function selectProcesses(
  check: ProcessCheck,
  processes: ProcessFact[],
  facts: Facts,
): {chosen: ProcessFact[]; unsure: Unsure[]} {
  const units = unitsOf(check);
  const names = listOf(check.name);
  const wanted = pathTest(listOf(check.exe), facts);
  const excepted = pathTest(listOf(check.except_exe), facts);
  const chosen: ProcessFact[] = [];
  const unsure: Unsure[] = [];
  for (const process of processes) {
    if (process.kernelThread) continue;
    const tests: Trilean[] = [
      units.length === 0 || inUnit(process, units),
      check.exe === undefined || wanted(process),
      names.length === 0 || names.some(name => matchesPattern(name, process.name)),
      check.except_exe === undefined || not(excepted(process)),
    ];
    if (tests.includes(false)) continue;
    const open = tests.find(test => typeof test === 'object');
    if (open === undefined) chosen.push(process);
    else unsure.push({process, reason: open.reason});
  }
  return {chosen, unsure};
}

/** True, false, or why it cannot be told. */
type Trilean = boolean | {reason: string};
const not = (value: Trilean): Trilean => (typeof value === 'boolean' ? !value : value);

/** What the rule chooses, in the reader's words. */
export function selectionText(check: ProcessCheck): string {
  const parts = [
    check.exe === undefined ? '' : orList(listOf(check.exe)),
    check.name === undefined ? '' : `processes named ${orList(listOf(check.name))}`,
    unitsOf(check).length === 0 ? '' : orList(unitsOf(check)),
  ].filter(part => part !== '');
  return `${parts.join(' in ')}${check.except_exe === undefined ? '' : `, except ${orList(listOf(check.except_exe))}`}`;
}

/** Unit names with their type; `.service` where none is given. */
const unitsOf = (check: ProcessCheck): string[] =>
  [...listOf(check.unit), ...listOf(check.under_unit)].map(unit =>
    /\.(?:service|scope|slice|socket|mount|swap)$/.test(unit) ? unit : `${unit}.service`,
  );

/**
 * Whether a process belongs to a unit or runs below its cgroup. `name@.service` covers every instance. A slice covers
 * all that is below it; it counts only among the leading slices, where the system's manager put it.
 */
function inUnit(process: ProcessFact, units: string[]): Trilean {
  const {cgroup, unit} = process;
  if (cgroup === null) return {reason: process.unseen.cgroup ?? 'its cgroup is not that of systemd'};
  const parts = cgroup.split('/').filter(part => part !== '');
  const firstUnit = parts.findIndex(part => !part.endsWith('.slice'));
  const slices = firstUnit < 0 ? parts : parts.slice(0, firstUnit);
  return units.some(wanted => {
    if (wanted === '-.slice') return true;
    if (wanted.endsWith('.slice')) return slices.some(slice => matchesPattern(wanted, slice));
    return unit !== null && matchesPattern(wanted.replace('@.', '@*.'), unit);
  });
}

/** Paths are compared as written and as what they lead to: the kernel names an executable without any link. */
function pathTest(patterns: string[], facts: Facts): (process: ProcessFact) => Trilean {
  const real = new Set<string>();
  let unresolved: string | null = null;
  for (const path of patterns) {
    const answer = facts.get({fact: 'realPaths', path});
    if (answer.state === 'seen') for (const target of answer.value) real.add(target);
    else if (answer.state === 'unseen') unresolved = answer.reason;
  }
  return ({exe, unseen}) => {
    if (exe === null) return {reason: unseen.exe ?? 'its executable is not known'};
    if (real.has(exe) || patterns.some(pattern => matchesPath(pattern, exe))) return true;
    return unresolved === null ? false : {reason: unresolved};
  };
}
