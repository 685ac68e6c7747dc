const unitName = /^[A-Za-z0-9:_.\\@-]{1,250}\.(?:service|scope|socket|mount|swap|automount|timer|path|device|target)$/;

/**
 * The path that systemd gave a process, from /proc/PID/cgroup, cgroups(7): of `name=systemd` where version 1 is
 * mounted, else of version 2. Null when there is neither.
 */
export function parseCgroup(text: string): string | null {
  let unified: string | null = null;
  for (const line of text.split('\n')) {
    const match = /^(\d+):([^:]*):(\/.*)$/.exec(line);
    if (match === null) continue;
    const path = (match[3] as string).replace(/ \(deleted\)$/, '');
    if (match[2] === 'name=systemd') return path;
    if (match[1] === '0' && match[2] === '') unified = path;
  }
  return unified;
}

/**
 * The system manager's unit for a cgroup path: the first component below the leading slices. All that runs below a
 * user's manager belongs to `user@UID.service`, whatever it calls its own units. Null outside any unit.
 * Source: systemd, src/basic/cgroup-util.c, `cg_path_get_unit`.
 */
export function unitOfCgroup(path: string): string | null {
  const name = path
    .split('/')
    .map(part => (part.startsWith('_') ? part.slice(1) : part))
    .find(part => part !== '' && !part.endsWith('.slice'));
  return name !== undefined && unitName.test(name) ? name : null;
}
