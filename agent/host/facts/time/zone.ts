import type {TimeFact} from '../../../../policies/facts/time.ts';
import type {Host} from '../../host.ts';

const localtime = '/etc/localtime';
const maxBytes = 256 * 1024;

/** localtime(5): a link into zoneinfo names the zone; a copy is the zone that timezone(5) names, if it is the same. */
export async function readZone(host: Host): Promise<TimeFact['zone']> {
  const stat = await host.fs.lstat(localtime);
  if (!stat.ok && stat.code === 'absent') return {name: 'UTC', where: `${localtime} (absent, so UTC)`};
  if (!stat.ok) return {unseen: stat.reason};
  if (stat.value.type === 'link') {
    const target = await host.fs.readLink(localtime);
    if (!target.ok) return {unseen: target.reason};
    const name = /\/zoneinfo\/(?:posix\/|right\/)?(.+)$/.exec(target.value)?.[1];
    return name === undefined
      ? {unseen: `${localtime} points to ${target.value}, which names no zone`}
      : {name, where: localtime};
  }
  const named = await host.fs.readFile('/etc/timezone', {maxBytes: 1024});
  if (!named.ok)
    return {
      unseen:
        named.code === 'absent' ? `${localtime} is a copy, and no /etc/timezone says of which zone` : named.reason,
    };
  const name = named.value.bytes.toString('utf8').trim();
  if (!/^[A-Za-z0-9_+-]+(?:\/[A-Za-z0-9_+-]+){0,3}$/.test(name)) return {unseen: '/etc/timezone does not hold a zone'};
  const [own, zone] = await Promise.all(
    [localtime, `/usr/share/zoneinfo/${name}`].map(path => host.fs.readFile(path, {maxBytes})),
  );
  if (!own?.ok) return {unseen: own?.reason ?? ''};
  if (!zone?.ok) return {unseen: zone?.reason ?? ''};
  if (!own.value.bytes.equals(zone.value.bytes))
    return {unseen: `${localtime} is a copy, but not of ${name} that /etc/timezone names`};
  return {name, where: localtime};
}
