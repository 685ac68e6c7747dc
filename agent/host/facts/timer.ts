import type {Host} from '../host.ts';

const unitDirectories = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
];

export type UnitState = {ok: boolean | null; exists: boolean; actual: string; where: string};

/** Whether a unit is started with a target at the next boot: it exists, is not masked, and the target wants it. */
export async function unitIsEnabled(host: Host, unit: string, target: string): Promise<UnitState> {
  let found: string | null = null;
  for (const directory of unitDirectories) {
    const path = `${directory}/${unit}`;
    const stat = await host.fs.lstat(path);
    if (!stat.ok && stat.code !== 'absent') return {ok: null, exists: true, actual: stat.reason, where: path};
    if (!stat.ok) continue;
    const masked = stat.value.type === 'link' ? await host.fs.readLink(path) : null;
    if (masked?.ok && masked.value === '/dev/null') return {ok: false, exists: true, actual: 'masked', where: path};
    found ??= path;
  }
  if (found === null)
    return {ok: false, exists: false, actual: 'no such unit', where: `/usr/lib/systemd/system/${unit}`};
  for (const directory of unitDirectories) {
    const path = `${directory}/${target}.wants/${unit}`;
    const stat = await host.fs.lstat(path);
    if (stat.ok) return {ok: true, exists: true, actual: 'enabled', where: path};
    if (stat.code !== 'absent') return {ok: null, exists: true, actual: stat.reason, where: path};
  }
  return {ok: false, exists: true, actual: 'disabled', where: found};
}
