import {type MacReport, macView} from './cli/mac-view.ts';
import {collectFacts} from './host/facts/collect.ts';
import type {Host} from './host/host.ts';

/** All that `reeve mac` shows of this host: `units` none for every service, denials of the last `hours`. */
export async function macReport(
  host: Host,
  {units, hours, progress = () => {}}: {units: string[]; hours: number; progress?: (text: string) => void},
): Promise<MacReport> {
  const [selinux, apparmor, processes, denials] = [
    {fact: 'selinux'},
    {fact: 'apparmor'},
    {fact: 'processes'},
    {fact: 'denials', hours},
  ] as const;
  const {facts} = await collectFacts(host, [selinux, apparmor, processes, denials], {progress});
  return macView({
    selinux: facts.get(selinux),
    apparmor: facts.get(apparmor),
    processes: facts.get(processes),
    denials: facts.get(denials),
    units,
    hours,
  });
}
