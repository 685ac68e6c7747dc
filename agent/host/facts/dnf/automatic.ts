import {type Answer, absent, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {PackagesFact} from '../../../../policies/facts/packages.ts';
import type {AutoUpdatesFact} from '../../../../policies/facts/patch.ts';
import type {Host} from '../../host.ts';
import {iniBoolean, parseIni} from '../rpm/ini.ts';
import {unitIsEnabled} from '../timer.ts';

const packageNames = ['dnf-automatic', 'dnf5-plugin-automatic'];
/** dnf5 reads the shipped file first; a later file wins. */
const paths = [
  '/usr/share/dnf5/dnf5-plugins/automatic.conf',
  '/etc/dnf/automatic.conf',
  '/etc/dnf/dnf5-plugins/automatic.conf',
];
const timers = ['dnf-automatic-install.timer', 'dnf-automatic.timer', 'dnf5-automatic.timer'];

/** Whether dnf-automatic, configured as it is, installs security updates. */
export async function readDnfAutomatic(host: Host, {packages}: PackagesFact): Promise<Answer<AutoUpdatesFact>> {
  if (!packages.some(({name, installed}) => installed && packageNames.includes(name)))
    return absent('dnf-automatic is not installed', ['/var/lib/rpm']);
  const commands = new Map<string, {value: string; where: string}>();
  const read: string[] = [];
  for (const path of paths) {
    const file = await host.fs.readFile(path);
    if (!file.ok && file.code === 'absent') continue;
    if (!file.ok) return unseen(file.reason);
    read.push(path);
    for (const [key, item] of parseIni(path, file.value.bytes.toString('utf8')).get('commands') ?? [])
      commands.set(key, item);
  }
  const states = await Promise.all(
    timers.map(async timer => ({timer, ...(await unitIsEnabled(host, timer, 'timers.target'))})),
  );
  const enabled = states.find(({ok}) => ok === true);
  const unknown = states.find(({ok}) => ok === null);
  const type = commands.get('upgrade_type');
  const apply = commands.get('apply_updates');
  const installs = enabled?.timer === 'dnf-automatic-install.timer';
  const main = read.at(-1) ?? '/etc/dnf/automatic.conf';
  return seen(
    {
      mechanism: 'dnf-automatic',
      steps: [
        {
          what: 'timer',
          expected: 'enabled',
          actual: enabled === undefined ? (unknown?.actual ?? 'none is enabled') : `${enabled.timer} is enabled`,
          ok: enabled !== undefined ? true : unknown === undefined ? false : null,
          where: enabled?.where ?? unknown?.where ?? '/usr/lib/systemd/system/dnf-automatic.timer',
        },
        {
          what: 'apply_updates',
          expected: 'yes',
          actual: installs ? 'yes, by the timer' : (apply?.value ?? 'not set, no by default'),
          ok: installs || iniBoolean(apply?.value ?? 'no') === true,
          where: apply?.where ?? main,
        },
        {
          what: 'upgrade_type',
          expected: 'default or security',
          actual: type?.value ?? 'default',
          ok: ['default', 'security'].includes(type?.value ?? 'default'),
          where: type?.where ?? main,
        },
      ],
    },
    read,
  );
}
