import {capabilityNames} from '../capabilities.ts';
import {flipExpectation, wantedText} from '../expect.ts';
import {withoutValue} from '../facts/answer.ts';
import type {FactRequest, Facts} from '../facts/index.ts';
import type {ProcessFact} from '../facts/processes.ts';
import {type Comparison, type Judgement, judged} from '../finding.ts';
import {defineKind} from './kind.ts';
import {compareProcess, enforceRequest, environmentRequest, fileRequest} from './process/compare.ts';
import {cureOf} from './process/cure.ts';
import {type ProcessCheck, perProcess, processProblems, processSchema} from './process/schema.ts';
import {selectionText, selectProcesses, type Unsure} from './process/select.ts';
import {listOf, orList} from './shared.ts';

export const processKind = defineKind<typeof processSchema>({
  name: 'process',
  summary: 'Running processes of a unit or an executable: user, groups, capabilities, confinement, start, environment.',
  schema: processSchema,
  problems: processProblems,
  canBeEmpty: check => check.running === undefined,
  wants: check => wants(check),
  judge: (check, facts): Judgement[] => {
    const subject = selectionText(check);
    const answer = facts.get({fact: 'processes'});
    if (answer.state === 'unseen' || answer.state === 'live-only') return [withoutValue(subject, answer)];
    const {chosen, unsure} = selectProcesses(check, answer.state === 'seen' ? answer.value : [], facts);
    return check.running === undefined || (check.running && chosen.length > 0)
      ? judgeEach(check, subject, chosen, unsure, facts)
      : judgeRunning(check.running, subject, chosen, unsure);
  },
  flips: check => flips(check),
  looks: check =>
    `Reads /proc/PID/{status,stat,exe,cgroup${check.confined === undefined ? '' : ',attr/current'}${check.environment === undefined ? '' : ',environ'}} of ${selectionText(check)}.`,
  wanted: check => `${selectionText(check)}: ${wantedParts(check).join(', ')}`,
});

function wants(check: ProcessCheck): FactRequest[] {
  const named = check.user_in !== undefined || check.user_not_in !== undefined || check.groups_not_in !== undefined;
  return [
    {fact: 'processes'},
    ...[...listOf(check.exe), ...listOf(check.except_exe)].map(path => ({fact: 'realPaths', path}) as const),
    ...(named ? [{fact: 'accounts'} as const] : []),
    ...(check.confined === undefined ? [] : [enforceRequest]),
    ...listOf(check.started_after).map(fileRequest),
    ...(check.environment === undefined ? [] : [environmentRequest(check)]),
  ];
}

function judgeRunning(wanted: boolean, subject: string, chosen: ProcessFact[], unsure: Unsure[]): Judgement[] {
  if (chosen.length === 0 && unsure.length > 0) return [cannotTell(subject, unsure)];
  const actual =
    chosen.length === 0
      ? 'not running'
      : `running as pid ${chosen
          .slice(0, 5)
          .map(({pid}) => pid)
          .join(', ')}`;
  const compared = [
    {what: 'running', expected: wanted ? 'running' : 'not running', actual, ok: chosen.length > 0 === wanted},
  ];
  const unit = chosen[0]?.unit;
  const cure = wanted
    ? `start ${subject}`
    : unit
      ? `systemctl disable --now ${unit}`
      : `kill ${chosen.map(({pid}) => pid).join(' ')}`;
  return [judged(subject, compared, {where: pids(chosen, ['/proc']), scope: 'runtime', cure})];
}

function judgeEach(
  check: ProcessCheck,
  subject: string,
  chosen: ProcessFact[],
  unsure: Unsure[],
  facts: Facts,
): Judgement[] {
  const against: Judgement[] = [];
  const passing: Array<{process: ProcessFact; compared: Comparison[]}> = [];
  if (check.running)
    passing.push(
      ...chosen.map(process => ({
        process,
        compared: [{what: 'running', expected: 'running', actual: 'running', ok: true}],
      })),
    );
  for (const process of chosen) {
    const compared = compareProcess(check, process, facts);
    if (compared === null) continue;
    const known = compared.filter(part => 'what' in part);
    const open = compared.find(part => 'unseen' in part);
    const wrong = known.filter(({ok}) => !ok);
    const own = processSubject(process);
    if (wrong.length > 0) {
      const cure = cureOf(check, process, new Set(wrong.map(({what}) => what)));
      against.push(judged(own, known, {where: [`pid ${process.pid}`], scope: 'runtime', cure}));
    } else if (open !== undefined)
      against.push({subject: own, verdict: 'unknown', reason: `pid ${process.pid}: ${open.unseen}`});
    else passing.push({process, compared: known});
  }
  const open = unsure.filter(
    ({process}) => !(compareProcess(check, process, facts) ?? []).every(part => 'what' in part && part.ok),
  );
  if (open.length > 0) against.push(cannotTell(subject, open));
  if (against.length > 0) return against;
  if (passing.length > 0) return [passOfAll(subject, passing)];
  if (unsure.length > 0) return [cannotTell(subject, unsure)];
  return [{subject, verdict: 'none', reason: `no process of ${subject} runs`}];
}

const processSubject = ({exe, name, unit}: ProcessFact): string =>
  `${exe ?? name}${unit === null ? '' : ` in ${unit}`}`;

const pids = (processes: ProcessFact[], none: string[]): string[] =>
  processes.length === 0 ? none : processes.slice(0, 20).map(({pid}) => `pid ${pid}`);

function cannotTell(subject: string, unsure: Unsure[]): Judgement {
  const list = unsure
    .slice(0, 5)
    .map(({process}) => process.pid)
    .join(', ');
  const more = unsure.length > 5 ? ` and ${unsure.length - 5} more` : '';
  return {
    subject,
    verdict: 'unknown',
    reason: `cannot tell whether pid ${list}${more} belong to it: ${unsure[0]?.reason}`,
  };
}

/** One pass for all: what each comparison found, over all processes. */
function passOfAll(subject: string, passing: Array<{process: ProcessFact; compared: Comparison[]}>): Judgement {
  const found = new Map<string, {comparison: Comparison; actual: Set<string>}>();
  for (const comparison of passing.flatMap(({compared}) => compared)) {
    const entry = found.get(comparison.what) ?? {comparison, actual: new Set<string>()};
    entry.actual.add(typeof comparison.actual === 'string' ? comparison.actual : JSON.stringify(comparison.actual));
    found.set(comparison.what, entry);
  }
  const compared = [...found.values()].map(({comparison, actual}) => {
    const values = [...actual];
    return {
      ...comparison,
      actual: values.length > 4 ? `${values.slice(0, 4).join('; ')}; ${values.length - 4} more` : values.join('; '),
    };
  });
  const processes = [...new Set(passing.map(({process}) => process))];
  return judged(subject, compared, {where: pids(processes, []), scope: 'runtime'});
}

function flips(check: ProcessCheck): Array<{what: string; check: ProcessCheck}> {
  const turned: Array<{what: string; check: ProcessCheck}> = [];
  const turn = (what: string, change: Partial<ProcessCheck>) => turned.push({what, check: {...check, ...change}});
  for (const key of ['no_new_privileges', 'seccomp', 'confined', 'running'] as const) {
    if (check[key] !== undefined) turn(key, {[key]: !check[key]});
  }
  const {user_in: allowed, user_not_in: refused, ...rest} = check;
  const swap = (what: string, inside: string[], outside: string[]) =>
    turned.push({
      what,
      check: {
        ...rest,
        ...(inside.length > 0 ? {user_in: inside} : {}),
        ...(outside.length > 0 ? {user_not_in: outside} : {}),
      },
    });
  if (allowed !== undefined) swap('user_in', [], [...listOf(allowed), ...listOf(refused)]);
  if (refused !== undefined) swap('user_not_in', listOf(refused), []);
  if (check.groups_not_in !== undefined) turn('groups_not_in', {groups_not_in: '*'});
  const {capabilities_at_most: most, capabilities_at_least: least, ...free} = check;
  const lacking = capabilityNames.find(name => !(most ?? []).includes(name)) as string;
  if (most !== undefined)
    turned.push({what: 'capabilities_at_most', check: {...free, capabilities_at_least: [lacking]}});
  if (least !== undefined) turned.push({what: 'capabilities_at_least', check: {...free, capabilities_at_most: []}});
  if (check.started_after !== undefined) turn('started_after', {started_after: '/proc/no-such-file'});
  for (const [name, wanted] of Object.entries(check.environment ?? {})) {
    for (const flip of flipExpectation(wanted))
      turn(`environment.${name}.${flip.what}`, {environment: {...check.environment, [name]: flip.check}});
  }
  return turned;
}

function wantedParts(check: ProcessCheck): string[] {
  const parts: string[] = [];
  for (const key of ['running', ...perProcess] as const) {
    const value = check[key];
    if (value === undefined || key === 'environment') continue;
    const text = Array.isArray(value)
      ? orList(value) || 'none'
      : typeof value === 'boolean'
        ? value
          ? 'yes'
          : 'no'
        : String(value);
    parts.push(`${key.replaceAll('_', ' ')} ${text}`);
  }
  for (const [name, wanted] of Object.entries(check.environment ?? {})) parts.push(`${name} ${wantedText(wanted)}`);
  return parts;
}
