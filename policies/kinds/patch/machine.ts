import {withoutValue} from '../../facts/answer.ts';
import type {Facts} from '../../facts/index.ts';
import type {StaleProcess} from '../../facts/patch.ts';
import {type Judgement, judged} from '../../finding.ts';
import type {PatchCheck} from '../patch.ts';
import {shellWord} from '../shared.ts';
import {supportKindsOf} from './support-kinds.ts';

const dayMs = 86_400_000;
const kernelSubject = 'kernel';
const rebootSubject = 'reboot';
const servicesSubject = 'services';
const supportSubject = 'support';
const maxPaths = 10;

export function judgeReboot(check: PatchCheck, facts: Facts): Judgement {
  const answer = facts.get({fact: 'reboot'});
  if (answer.state === 'absent') return {subject: rebootSubject, verdict: 'not-applicable', reason: answer.reason};
  if (answer.state !== 'seen') return withoutValue(rebootSubject, answer);
  const {required, reasons, notes} = answer.value;
  if (required === null) {
    return {
      subject: rebootSubject,
      verdict: 'unknown',
      reason: notes.join('; ') || 'whether a reboot is required cannot be told',
    };
  }
  const actual = required ? reasons.join('; ') || 'required' : 'not required';
  const expected = check.reboot_required === true ? 'required' : 'not required';
  return judged(rebootSubject, [{what: 'reboot', expected, actual, ok: required === check.reboot_required}], {
    where: answer.where,
    scope: 'runtime',
    cure: 'reboot the machine at a time that suits its users',
  });
}

export function judgeNewestKernel(check: PatchCheck, facts: Facts): Judgement {
  const answer = facts.get({fact: 'reboot'});
  if (answer.state === 'absent') return {subject: kernelSubject, verdict: 'not-applicable', reason: answer.reason};
  if (answer.state !== 'seen') return withoutValue(kernelSubject, answer);
  const {runningKernel, newestInstalledKernel, sameReleaseNewBuild, notes} = answer.value;
  if (newestInstalledKernel === null) {
    return {subject: kernelSubject, verdict: 'unknown', reason: notes.join('; ') || 'no installed kernel was found'};
  }
  const newest = runningKernel === newestInstalledKernel && sameReleaseNewBuild !== true;
  if (newest && sameReleaseNewBuild === null) {
    const reason = notes.join('; ') || 'whether the running kernel is the installed build cannot be told';
    return {subject: kernelSubject, verdict: 'unknown', reason};
  }
  const build = sameReleaseNewBuild === true ? ' in an older build than the installed one' : '';
  const compared = [
    {
      what: 'running kernel',
      expected: newestInstalledKernel,
      actual: `${runningKernel}${build}`,
      ok: newest === check.running_newest_kernel,
    },
  ];
  return judged(kernelSubject, compared, {
    where: answer.where,
    scope: 'runtime',
    cure: 'reboot the machine at a time that suits its users',
  });
}

/** Sessions of people are theirs to end; everything else is a service, with or without a unit. */
const isSession = ({unit}: StaleProcess) =>
  unit !== null && (/^session-.*\.scope$/.test(unit) || /^user@\d+\.service$/.test(unit));

export function judgeStale(check: PatchCheck, facts: Facts): Judgement[] {
  const answer = facts.get({fact: 'staleLibraries'});
  if (answer.state === 'absent') return [{subject: servicesSubject, verdict: 'not-applicable', reason: answer.reason}];
  if (answer.state !== 'seen') return [withoutValue(servicesSubject, answer)];
  const {stale, unreadable} = answer.value;
  const wanted = stale.filter(process => !isSession(process) && !(check.except ?? []).includes(process.unit ?? ''));
  if (check.stale_libraries === 'some' || wanted.length === 0) {
    if (wanted.length === 0 && unreadable.length > 0) {
      const reason = `${unreadable.length === 1 ? 'a process' : `${unreadable.length} processes`} could not be looked at: ${unreadable[0]?.reason}`;
      return [{subject: servicesSubject, verdict: 'unknown', reason}];
    }
    const expected = check.stale_libraries === 'some' ? 'some' : 'none on deleted or replaced files';
    const ok = (wanted.length === 0) === (check.stale_libraries === 'none');
    const actual = wanted.length === 0 ? 'none' : `${wanted.length} processes`;
    return [
      judged(servicesSubject, [{what: 'running', expected, actual, ok}], {where: answer.where, scope: 'runtime'}),
    ];
  }
  return [...Map.groupBy(wanted, process => process.unit ?? process.name)].map(([name, processes]) =>
    judgeService(name, processes),
  );
}

function judgeService(name: string, processes: StaleProcess[]): Judgement {
  const paths = [...new Set(processes.flatMap(process => process.paths))].sort();
  const more = paths.length > maxPaths ? [`${paths.length - maxPaths} more`] : [];
  const unit = processes[0]?.unit ?? null;
  return judged(
    name,
    [
      {
        what: 'running',
        expected: 'no deleted or replaced files',
        actual: [...paths.slice(0, maxPaths), ...more],
        ok: false,
      },
    ],
    {
      where: processes.slice(0, maxPaths).map(({pid}) => `pid ${pid}`),
      scope: 'runtime',
      cure: unit === null ? `restart ${name}` : `systemctl restart ${shellWord(unit)}`,
    },
  );
}

export function judgeSupport(check: PatchCheck, facts: Facts, now: number): Judgement {
  const answer = facts.get({fact: 'support'});
  if (answer.state === 'absent') return {subject: supportSubject, verdict: 'unknown', reason: answer.reason};
  if (answer.state !== 'seen') return withoutValue(supportSubject, answer);
  const {phases, release, source} = answer.value;
  const kinds = supportKindsOf(check);
  const last = phases
    .filter(({kind}) => kinds.includes(kind))
    .toSorted((a, b) => (a.ends < b.ends ? -1 : 1))
    .at(-1);
  if (last === undefined) {
    return {
      subject: supportSubject,
      verdict: 'unknown',
      reason: `${source} says nothing of ${kinds.join(' or ')} support for ${release}`,
    };
  }
  const days = Math.floor((Date.parse(`${last.ends}T23:59:59Z`) - now) / dayMs);
  const limit = check.support_days_at_least as number;
  const actual =
    days < 0
      ? `${release}: ended on ${last.ends} (${last.kind})`
      : `${release}: ${days} days, until ${last.ends} (${last.kind})`;
  return judged(supportSubject, [{what: 'supported', expected: `at least ${limit} days`, actual, ok: days >= limit}], {
    where: [source],
    scope: 'persistent',
    cure: 'upgrade to a release that is supported for longer',
  });
}
