import type {LiveUnit, UnitsFact} from '../../../../policies/facts/units.ts';
import type {Host} from '../../host.ts';

const properties = ['Id', 'Names', 'LoadState', 'ActiveState', 'SubState', 'UnitFileState', 'MainPID'];

/** The command whose output says what runs; docs/kinds/service.md names it for cases. */
export const showUnits = [
  '/usr/bin/systemctl',
  'show',
  `--property=${properties.join(',')}`,
  '--all',
  '--',
  '*',
] as const;

/** What the service manager says of the units that it has in memory, where systemd is PID 1, sd_booted(3). */
export async function readLiveUnits(host: Host): Promise<UnitsFact['live']> {
  if (!host.live) return {notApplicable: 'running units can be seen on the running machine only'};
  const booted = await host.fs.lstat('/run/systemd/system');
  if (!booted.ok && booted.code === 'absent') return {notApplicable: 'PID 1 is not systemd, so no unit runs here'};
  if (!booted.ok) return {unseen: booted.reason};
  const result = await host.run(showUnits, {maxBytes: 8 * 1024 * 1024});
  if (result.failed) return {unseen: result.reason};
  const units = parseUnits(result.stdout);
  return units.length === 0 ? {unseen: 'cannot read units: systemctl show gave none'} : {units};
}

/** Blocks of `Key=value` lines with an empty line between two units. */
export function parseUnits(text: string): LiveUnit[] {
  return text.split('\n\n').flatMap(block => {
    const values = new Map<string, string>();
    for (const line of block.split('\n')) {
      const equals = line.indexOf('=');
      if (equals > 0) values.set(line.slice(0, equals), line.slice(equals + 1));
    }
    const id = values.get('Id');
    const active = values.get('ActiveState');
    if (!id || !active) return [];
    const names = new Set([id, ...(values.get('Names') ?? '').split(' ').filter(name => name !== '')]);
    const pid = Number(values.get('MainPID') ?? 0);
    return [
      {
        names: [...names],
        load: values.get('LoadState') ?? '',
        active,
        sub: values.get('SubState') ?? '',
        mainPid: pid > 0 ? pid : null,
      },
    ];
  });
}
