import type {Host} from '../../host.ts';
import {type Look, looked} from '../../look.ts';
import {parseUnitName} from './names.ts';

/** Runlevels that systemd-sysv-generator(8) makes part of multi-user.target and graphical.target, and Debian's rcS. */
const runlevels = ['2', '3', '4', '5', 'S'];

/** Init scripts by the name of the unit that stands for them, with the links that start them. */
export async function readInitScripts(host: Host): Promise<Look<Map<string, {path: string; links: string[]}>>> {
  const scripts = new Map<string, {path: string; links: string[]}>();
  const list = await host.fs.list('/etc/init.d', {max: 2000});
  if (!list.ok) return list.code === 'absent' ? looked(scripts) : list;
  for (const file of list.value.names.sort()) {
    const path = `/etc/init.d/${file}`;
    const stat = await host.fs.stat(path);
    if (!stat.ok && stat.code !== 'absent') return stat;
    const name = unitName(file);
    if (!stat.ok || stat.value.type !== 'file' || (stat.value.mode & 0o100) === 0 || name === null) continue;
    if (!scripts.has(name)) scripts.set(name, {path, links: []});
  }
  for (const runlevel of runlevels) {
    const links = await host.fs.list(`/etc/rc${runlevel}.d`, {max: 2000});
    if (!links.ok && links.code !== 'absent') return links;
    for (const link of links.ok ? links.value.names.sort() : []) {
      const name = /^S\d\d./.test(link) ? unitName(link.slice(3)) : null;
      if (name !== null) scripts.get(name)?.links.push(`/etc/rc${runlevel}.d/${link}`);
    }
  }
  return looked(scripts);
}

function unitName(script: string): string | null {
  const name = `${script.replace(/\.sh$/, '')}.service`;
  return parseUnitName(name) === null ? null : name;
}
