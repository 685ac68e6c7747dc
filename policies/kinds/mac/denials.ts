import type {Answer} from '../../facts/answer.ts';
import type {DenialGroup, DenialsFact} from '../../facts/denials.ts';
import type {Facts} from '../../facts/index.ts';
import type {ProcessFact} from '../../facts/processes.ts';
import {type Judgement, judged} from '../../finding.ts';
import {parseMacLabel} from '../../mac-label.ts';
import {liveSubject, noSubject} from './evidence.ts';
import {processesOfUnit} from './units.ts';

export type DenialsWanted = {count?: number; hours?: number; unit?: string};

/**
 * Denials of the last hours. Only what was refused counts; what a permissive domain or a complain profile would have
 * been refused is told beside it. A source that lost records proves too many, never few enough.
 */
export function judgeDenials(
  wanted: DenialsWanted,
  answer: Answer<DenialsFact>,
  processes: Answer<ProcessFact[]> | null,
  facts: Facts,
): Judgement {
  const {count = 0, hours = 24, unit} = wanted;
  const subject = unit === undefined ? 'denials' : `denials of ${unit}`;
  if (answer.state === 'live-only') return liveSubject(subject, answer.reason);
  if (answer.state === 'unseen') return {subject, verdict: 'unknown', reason: answer.reason};
  if (answer.state === 'absent') return noSubject(subject, answer.reason);
  const chosen = unit === undefined ? answer.value.groups : groupsOfUnit(unit, answer.value.groups, processes, facts);
  if (!Array.isArray(chosen)) return {subject, ...chosen};
  const refused = chosen.filter(({mode}) => mode === 'enforced');
  const total = sum(refused);
  const logged = sum(chosen) - total;
  const {lowerBound, sources} = answer.value;
  if (total <= count && lowerBound.length > 0) {
    return {
      subject,
      verdict: 'unknown',
      reason: `${total} denials were seen in ${sources.join(', ')}, but there may have been more: ${lowerBound.join('; ')}`,
    };
  }
  const text = `${lowerBound.length > 0 ? 'at least ' : ''}${total} in ${hours} h${logged > 0 ? `, and ${logged} that were only logged` : ''}`;
  const most = refused.slice(0, 5).map(describeGroup);
  const actual = most.length === 0 ? text : [text, ...most];
  const cure = 'look at each with "reeve mac"; then change the policy or the program, not the mode';
  return judged(subject, [{what: 'denials', expected: `at most ${count} in ${hours} h`, actual, ok: total <= count}], {
    where: sources,
    scope: 'runtime',
    cure,
  });
}

const sum = (groups: DenialGroup[]) => groups.reduce((total, {count}) => total + count, 0);

/** `3 × httpd_t read file shadow_t, last 2026-11-21T11:59:00.000Z` */
export function describeGroup({count, subject, operation, class: objectClass, target, last}: DenialGroup): string {
  return `${count} × ${[subject, operation, objectClass, target].filter(part => part !== '').join(' ')}, last ${last}`;
}

/** A record names the domain or profile and the pid: those of the unit's processes of now are taken for the unit's. */
function groupsOfUnit(
  unit: string,
  groups: DenialGroup[],
  processes: Answer<ProcessFact[]> | null,
  facts: Facts,
): DenialGroup[] | {verdict: 'unknown' | 'none'; reason: string} {
  if (processes?.state !== 'seen')
    return {verdict: 'unknown', reason: processes?.reason ?? 'processes were not looked for'};
  const {chosen, open} = processesOfUnit(unit, processes.value, facts);
  const blind = chosen.find(({label}) => label === null);
  if (blind !== undefined) open.push(`pid ${blind.pid}: ${blind.unseen.label ?? 'its label is not known'}`);
  if (open.length > 0) return {verdict: 'unknown', reason: open.slice(0, 3).join('; ')};
  if (chosen.length === 0) return {verdict: 'none', reason: `${unit} has no processes`};
  const pids = new Set(chosen.map(({pid}) => pid));
  const subjects = new Set(chosen.flatMap(({label}) => subjectsOf(label ?? '')));
  return groups.filter(group => subjects.has(group.subject) || group.pids.some(pid => pids.has(pid)));
}

function subjectsOf(label: string): string[] {
  const parsed = parseMacLabel(label);
  if (parsed === null) return [];
  if (parsed.lsm === 'selinux') return [parsed.type];
  return parsed.mode === 'unconfined' ? [] : parsed.profile.split('//&');
}
