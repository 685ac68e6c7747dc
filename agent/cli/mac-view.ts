import type {Answer} from '../../policies/facts/answer.ts';
import type {ApparmorFact} from '../../policies/facts/apparmor.ts';
import type {DenialsFact} from '../../policies/facts/denials.ts';
import type {ProcessFact} from '../../policies/facts/processes.ts';
import type {SelinuxFact} from '../../policies/facts/selinux.ts';
import type {Json} from '../../policies/json.ts';
import {macServices} from '../../policies/kinds/mac/services.ts';
import {apparmorLines} from './mac-view/apparmor.ts';
import {denialLines} from './mac-view/denials.ts';
import {selinuxLines} from './mac-view/selinux.ts';
import {serviceLines} from './mac-view/services.ts';

/** What `reeve mac` looked up. */
export type MacAnswers = {
  selinux: Answer<SelinuxFact>;
  apparmor: Answer<ApparmorFact>;
  denials: Answer<DenialsFact>;
  processes: Answer<ProcessFact[]>;
  /** The units asked for; none stands for every service that has processes. */
  units: string[];
  hours: number;
};

/** The report as data and as lines for a terminal. `verdictUnknown` when something that it shows could not be seen. */
export type MacReport = {json: Json; text: string[]; verdictUnknown: boolean};

/** Text from the host is made printable here; JSON keeps it as it is. */
export function macView(answers: MacAnswers): MacReport {
  const {selinux, apparmor, denials, processes, units, hours} = answers;
  const services = macServices(answers);
  const text = [
    ...section('SELinux', selinux.state === 'seen' ? selinuxLines(selinux.value) : [selinux.reason]),
    ...section('AppArmor', apparmor.state === 'seen' ? apparmorLines(apparmor.value) : [apparmor.reason]),
    ...section('Services', serviceLines(services, units, processes)),
    ...section(`Denials, last ${hours} h`, denialLines(denials)),
  ];
  const json = {selinux, apparmor, services, denials} as unknown as Json;
  return {json, text: text.slice(0, -1), verdictUnknown: unknownIn(answers, services)};
}

const section = (title: string, lines: string[]) => [title, ...lines.map(line => `  ${line}`), ''];

function unknownIn({selinux, apparmor, denials}: MacAnswers, services: ReturnType<typeof macServices>): boolean {
  const parts = (answer: Answer<object>): Answer<unknown>[] =>
    answer.state === 'seen'
      ? Object.values(answer.value).filter(part => part !== null && typeof part === 'object' && 'state' in part)
      : [answer];
  const open = [...parts(selinux), ...parts(apparmor), denials].some(({state}) => state === 'unseen');
  const lossy = denials.state === 'seen' && denials.value.lowerBound.length > 0;
  return open || lossy || services.open.length > 0 || services.units.some(({confined}) => confined === null);
}
