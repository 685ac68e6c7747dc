import type {TimeService} from '../../facts/time.ts';
import {atBoot, findUnit, type Units} from '../service/state.ts';

/** The units of each time service, in the names of Debian and of the Red Hat family. */
const unitNames: ReadonlyArray<readonly [service: TimeService, units: readonly string[]]> = [
  ['chrony', ['chrony.service', 'chronyd.service']],
  ['ntpsec', ['ntpsec.service']],
  ['ntp', ['ntp.service', 'ntpd.service']],
  ['systemd-timesyncd', ['systemd-timesyncd.service']],
  ['openntpd', ['openntpd.service']],
];

type Enabled = {service: TimeService; unit: string};

/** The time services that start at boot. An alias is the service that it stands for. */
export function enabledServices(units: Units): {enabled: Enabled[]; open: string[]; where: string[]} {
  const found = {enabled: [] as Enabled[], open: [] as string[], where: [] as string[]};
  for (const [service, names] of unitNames) {
    for (const name of names) {
      const unit = findUnit(units, name);
      if (unit === null || unit.state === 'alias') continue;
      const boot = atBoot(units, unit);
      if (boot.at === 'open') found.open.push(boot.reason);
      if (boot.at !== 'yes') continue;
      found.enabled.push({service, unit: name});
      found.where.push(...boot.where);
      break;
    }
  }
  return found;
}
