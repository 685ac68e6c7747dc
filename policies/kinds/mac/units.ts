import type {Answer} from '../../facts/answer.ts';
import type {ApparmorFact} from '../../facts/apparmor.ts';
import type {Facts} from '../../facts/index.ts';
import type {ProcessFact} from '../../facts/processes.ts';
import type {SelinuxFact} from '../../facts/selinux.ts';
import type {Judgement} from '../../finding.ts';
import {isConfined, parseMacLabel} from '../../mac-label.ts';
import {selectProcesses} from '../process/select.ts';
import {shellWord} from '../shared.ts';
import {Evidence, liveSubject, noSubject} from './evidence.ts';

/** `confined` null: could not be told. */
export type ProcessConfinement = {process: ProcessFact; confined: boolean | null; why: string};

/** Whether an LSM holds one process back, as the whole system's state has it, not its label alone. */
export function confinementOf(process: ProcessFact, selinux: SelinuxFact, apparmor: ApparmorFact): ProcessConfinement {
  const {label} = process;
  if (label === null) return {process, confined: null, why: process.unseen.label ?? 'its label is not known'};
  const parsed = parseMacLabel(label);
  if (parsed?.lsm === 'apparmor') {
    if (parsed.mode === 'mixed') return {process, ...mixedStack(parsed.profile, apparmor)};
    return {process, ...isConfined(label)};
  }
  if (parsed === null && label === 'kernel') return {process, confined: false, why: 'SELinux has loaded no policy'};
  if (parsed === null) return {process, ...isConfined(label)};
  const {mode, permissiveRunning} = selinux;
  const permissive = new Set(
    [permissiveRunning, selinux.permissiveInFile, selinux.permissiveModules].flatMap(answer =>
      answer.state === 'seen' ? answer.value.map(({name}) => name) : [],
    ),
  );
  const result = isConfined(label, {
    enforcing: mode.state !== 'seen' || mode.value === 'enforcing',
    permissiveDomains: permissive,
  });
  if (result.confined !== true) return {process, ...result};
  if (mode.state !== 'seen')
    return {process, confined: null, why: `cannot tell whether SELinux enforces: ${mode.reason}`};
  if (permissiveRunning.state !== 'seen')
    return {
      process,
      confined: null,
      why: `cannot tell whether ${parsed.type} is permissive: ${permissiveRunning.reason}`,
    };
  return {process, ...result};
}

/** A stack allows only what all its profiles allow: one that enforces is enough. */
function mixedStack(label: string, apparmor: ApparmorFact): {confined: boolean | null; why: string} {
  if (apparmor.loaded.state !== 'seen')
    return {confined: null, why: `AppArmor profiles ${label} are in mixed modes: ${apparmor.loaded.reason}`};
  const modes = new Map(apparmor.loaded.value.map(({name, mode}) => [name, mode]));
  const parts = label.split('//&');
  const enforcing = parts.find(part => ['enforce', 'kill'].includes(modes.get(part) ?? ''));
  if (enforcing !== undefined) return {confined: true, why: `AppArmor profiles ${label}: ${enforcing} enforces`};
  const unknown = parts.find(part => !modes.has(part) && !part.endsWith('unconfined'));
  return unknown === undefined
    ? {confined: false, why: `AppArmor profiles ${label}: none enforces`}
    : {confined: null, why: `AppArmor profiles ${label}: the mode of ${unknown} is not known`};
}

/** The processes of one unit and everything below it, as the process kind chooses them. */
export function processesOfUnit(
  unit: string,
  processes: ProcessFact[],
  facts: Facts,
): {chosen: ProcessFact[]; open: string[]} {
  const {chosen, unsure} = selectProcesses({unit}, processes, facts);
  return {chosen, open: unsure.map(({process, reason}) => `pid ${process.pid}: ${reason}`)};
}

export function judgeUnitConfined(
  unit: string,
  processes: Answer<ProcessFact[]>,
  selinux: SelinuxFact,
  apparmor: ApparmorFact,
  facts: Facts,
): Judgement {
  if (processes.state === 'live-only') return liveSubject(unit, processes.reason);
  if (processes.state === 'unseen') return {subject: unit, verdict: 'unknown', reason: processes.reason};
  const off = [selinux.kernel, apparmor.kernel].every(kernel => kernel.state === 'seen' && !kernel.value);
  if (off) return noSubject(unit, 'neither SELinux nor AppArmor is active in the kernel');
  const {chosen, open} = processesOfUnit(unit, processes.state === 'seen' ? processes.value : [], facts);
  if (chosen.length === 0)
    return open.length > 0
      ? {subject: unit, verdict: 'unknown', reason: open.slice(0, 3).join('; ')}
      : noSubject(unit, `${unit} has no processes`);
  const evidence = new Evidence(unit);
  const results = chosen.map(process => confinementOf(process, selinux, apparmor));
  const free = results.filter(({confined}) => confined === false);
  const shown = (list: ProcessConfinement[]) =>
    [...Map.groupBy(list, ({why}) => why)].map(
      ([why, members]) =>
        `${why} (pid ${members
          .slice(0, 5)
          .map(({process}) => process.pid)
          .join(', ')}${members.length > 5 ? ', …' : ''})`,
    );
  for (const {process, confined, why} of results) if (confined === null) evidence.open(`pid ${process.pid}: ${why}`);
  for (const reason of open) evidence.open(reason);
  const ok = free.length === 0;
  const where = (ok ? results : free).slice(0, 20).map(({process}) => `pid ${process.pid}`);
  evidence.compare(
    'confined',
    chosen.length === 1 ? 'its one process' : `all ${chosen.length} processes`,
    shown(ok ? results : free).slice(0, 20),
    ok,
    {
      where,
      cure: cureOf(unit, free, selinux),
    },
  );
  return evidence.judgement('runtime');
}

function cureOf(unit: string, free: ProcessConfinement[], selinux: SelinuxFact): string {
  const label = free.map(({process}) => parseMacLabel(process.label ?? '')).find(parsed => parsed !== null);
  if (label?.lsm === 'apparmor') {
    return label.mode === 'complain'
      ? `aa-enforce ${shellWord(label.profile)}`
      : `load a profile for its program (or AppArmorProfile= in the unit), then systemctl restart ${shellWord(unit)}`;
  }
  if (selinux.mode.state === 'seen' && selinux.mode.value === 'permissive') return 'setenforce 1';
  if (label !== undefined && free.some(({why}) => why.endsWith('is permissive')))
    return `semanage permissive -d ${shellWord(label.type)}`;
  return `restorecon -Rv the program of ${unit} and restart it; if its domain stays free, it needs a policy module, or SELinuxContext= in the unit`;
}
