import type {Answer} from '../../facts/answer.ts';
import type {ApparmorFact} from '../../facts/apparmor.ts';
import type {ProcessFact} from '../../facts/processes.ts';
import type {SelinuxFact} from '../../facts/selinux.ts';
import {selectProcesses} from '../process/select.ts';
import {unattached} from './apparmor.ts';
import {confinementOf} from './units.ts';

/** One unit's processes that say the same. */
export type ConfinementGroup = {confined: boolean | null; why: string; pids: number[]};
export type ServiceConfinement = {
  unit: string;
  /** Null: some could not be told, and none is known to be free. */
  confined: boolean | null;
  groups: ConfinementGroup[];
};
export type MacServices = {
  units: ServiceConfinement[];
  /** Units asked for that have no processes. */
  missing: string[];
  /** Processes that run outside the AppArmor profile that is loaded for their executable. */
  outside: Array<{pid: number; exe: string; unit: string | null; profile: string}>;
  /** What could not be seen. */
  open: string[];
};

/** The confinement of units: of those asked for, else of every service that has processes. */
export function macServices(answers: {
  selinux: Answer<SelinuxFact>;
  apparmor: Answer<ApparmorFact>;
  processes: Answer<ProcessFact[]>;
  units: string[];
}): MacServices {
  const {selinux, apparmor, processes} = answers;
  const result: MacServices = {units: [], missing: [], outside: [], open: []};
  for (const answer of [selinux, apparmor, processes]) if (answer.state !== 'seen') result.open.push(answer.reason);
  if (selinux.state !== 'seen' || apparmor.state !== 'seen' || processes.state !== 'seen') return result;
  for (const [unit, members] of groupUnits(answers.units, processes.value, result)) {
    const each = members.map(process => confinementOf(process, selinux.value, apparmor.value));
    const groups = [...Map.groupBy(each, ({confined, why}) => `${confined} ${why}`).values()].map(same => {
      const {confined, why} = same[0] as (typeof each)[number];
      return {confined, why, pids: same.map(({process}) => process.pid)};
    });
    const confined = groups.some(group => group.confined === false)
      ? false
      : groups.some(group => group.confined === null)
        ? null
        : true;
    result.units.push({unit, confined, groups});
  }
  if (apparmor.value.loaded.state === 'seen') {
    const {found} = unattached(apparmor.value.loaded.value, processes.value);
    result.outside = found.map(({process, profile}) => ({
      pid: process.pid,
      exe: process.exe ?? '',
      unit: process.unit,
      profile: profile.name,
    }));
  }
  return result;
}

function groupUnits(wanted: string[], processes: ProcessFact[], result: MacServices): Map<string, ProcessFact[]> {
  if (wanted.length === 0) {
    const services = processes.filter(({unit, kernelThread}) => !kernelThread && unit?.endsWith('.service'));
    return new Map([...Map.groupBy(services, ({unit}) => unit as string)].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  const groups = new Map<string, ProcessFact[]>();
  for (const unit of wanted) {
    const {chosen, unsure} = selectProcesses({unit}, processes, noFacts);
    for (const {process, reason} of unsure.slice(0, 3)) result.open.push(`${unit}, pid ${process.pid}: ${reason}`);
    if (chosen.length > 0) groups.set(unit, chosen);
    else if (unsure.length === 0) result.missing.push(unit);
  }
  return groups;
}

/** Choosing by unit alone asks for no facts. */
const noFacts = {
  get: () => {
    throw new Error('units are chosen without facts');
  },
};
