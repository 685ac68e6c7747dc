import type {Finding} from './finding.ts';
import type {Waiver} from './load/waivers.ts';
import {matchesPattern} from './pattern.ts';

/** What became of one waiver in one check. `idle`: nothing that it speaks of fails, so it can go. */
export type WaiverState = 'used' | 'idle' | 'expired' | 'orphaned' | 'elsewhere' | 'not-checked';
export type WaiverStatus = {waiver: Waiver; state: WaiverState; reason: string};

export type WaiveContext = {
  now: number;
  hostname: string;
  /** The ids of every rule that this host may be judged by; null when only some packs were loaded. */
  known: ReadonlySet<string> | null;
  /** The ids of the rules that were judged this time. */
  checked: ReadonlySet<string>;
};

/**
 * Turns failures that a person accepted into `waived`, with what was found still shown. An expired waiver waives
 * nothing. Expired and orphaned waivers become findings of their own, so that they are seen and removed.
 *
 */
export function applyWaivers(
  findings: Finding[],
  waivers: Waiver[],
  context: WaiveContext,
): {findings: Finding[]; statuses: WaiverStatus[]} {
  const used = new Set<Waiver>();
  const active = waivers.filter(waiver => waiver.expiresMs > context.now && isHere(waiver, context.hostname));
  const waived = findings.map((finding): Finding => {
    if (finding.verdict !== 'fail') return finding;
    const waiver = active.find(candidate => candidate.rule === finding.rule && speaksOf(candidate, finding.subject));
    if (waiver === undefined) return finding;
    used.add(waiver);
    const {id, owner, approvedBy, reason, expires} = waiver;
    return {...finding, verdict: 'waived', waiver: {id, owner, approvedBy, reason, expires}};
  });
  const statuses = waivers.map(waiver => statusOf(waiver, used.has(waiver), findings, context));
  const own = statuses.flatMap(status => findingOf(status, context.now));
  return {findings: [...waived, ...own], statuses};
}

const isHere = (waiver: Waiver, hostname: string) => waiver.hosts === null || waiver.hosts.includes(hostname);

const speaksOf = ({subject}: Waiver, found: string): boolean => subject === null || matchesPattern(subject, found);

function statusOf(
  waiver: Waiver,
  used: boolean,
  findings: Finding[],
  {now, hostname, known, checked}: WaiveContext,
): WaiverStatus {
  if (!isHere(waiver, hostname))
    return {waiver, state: 'elsewhere', reason: `it is for ${(waiver.hosts ?? []).join(', ')}, this is ${hostname}`};
  if (known !== null && !known.has(waiver.rule))
    return {waiver, state: 'orphaned', reason: `no loaded pack has a rule "${waiver.rule}"`};
  if (waiver.expiresMs <= now) return {waiver, state: 'expired', reason: `it ended on ${waiver.expires}`};
  if (!checked.has(waiver.rule))
    return {waiver, state: 'not-checked', reason: `rule "${waiver.rule}" was not judged this time`};
  if (used) return {waiver, state: 'used', reason: `it waives until ${waiver.expires}`};
  const speaks = findings.some(finding => finding.rule === waiver.rule && speaksOf(waiver, finding.subject));
  if (waiver.subject !== null && !speaks)
    return {waiver, state: 'orphaned', reason: `no finding of "${waiver.rule}" is about "${waiver.subject}"`};
  return {waiver, state: 'idle', reason: 'what it accepts does not fail now'};
}

function findingOf({waiver, state, reason}: WaiverStatus, now: number): Finding[] {
  if (state !== 'expired' && state !== 'orphaned') return [];
  return [
    {
      rule: `reeve.waiver-${state}`,
      pack: 'reeve',
      severity: 'medium',
      subject: `waiver ${waiver.id}`,
      observedAt: new Date(now).toISOString(),
      costMs: 0,
      verdict: 'fail',
      expected: {waiver: state === 'expired' ? 'not past its end' : 'about something that exists'},
      actual: {waiver: reason},
      wrong: ['waiver'],
      where: [waiver.where],
      scope: 'persistent',
      cure: state === 'expired' ? `ask ${waiver.owner} to renew or remove it` : `remove it from ${waiver.where}`,
    },
  ];
}
