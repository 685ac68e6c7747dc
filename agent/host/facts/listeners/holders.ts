import type {SocketHolder} from '../../../../policies/facts/listen.ts';
import type {HostFs} from '../../host.ts';
import {parseCgroup, unitOfCgroup} from '../processes/cgroup.ts';
import {listPids} from '../processes/collect.ts';
import {parseProcStat} from '../processes/parse.ts';

/** Descriptors looked at in all: a bound on what hosts with very many cost. */
const maxDescriptors = 200_000;
const maxDescriptorsOfOne = 65_536;

export type Holders = {byInode: Map<number, SocketHolder[]>; unseen: string | null};

/**
 * Which processes hold these sockets, from the links in /proc/PID/fd. Ends as soon as each socket has a holder, unless
 * `every` is set: workers share the socket of the process that made them.
 */
export async function findHolders(fs: HostFs, inodes: ReadonlySet<number>, every: boolean): Promise<Holders> {
  const byInode = new Map<number, SocketHolder[]>();
  if (inodes.size === 0) return {byInode, unseen: null};
  const pids = await listPids(fs);
  if ('reason' in pids) return {byInode, unseen: pids.reason};
  let unseen: string | null = null;
  let left = maxDescriptors;
  for (const pid of pids.pids) {
    if (!every && byInode.size === inodes.size) break;
    const list = await fs.list(`/proc/${pid}/fd`, {max: Math.min(left, maxDescriptorsOfOne)});
    if (!list.ok) {
      if (list.code !== 'absent') unseen ??= list.reason;
      continue;
    }
    left -= list.value.names.length;
    if (list.value.truncated) unseen ??= `not all descriptors of pid ${pid} were looked at: there are too many`;
    const held = new Set<number>();
    for (const name of list.value.names) {
      const target = await fs.readLink(`/proc/${pid}/fd/${name}`);
      if (!target.ok && target.code !== 'absent') unseen ??= target.reason;
      const inode = target.ok ? Number(/^socket:\[(\d+)\]$/.exec(target.value)?.[1]) : Number.NaN;
      if (inodes.has(inode)) held.add(inode);
    }
    if (held.size === 0) continue;
    const holder = await describe(fs, pid);
    for (const inode of held) byInode.set(inode, [...(byInode.get(inode) ?? []), holder]);
    if (left <= 0) return {byInode, unseen: 'not all descriptors were looked at: there are too many'};
  }
  return {byInode, unseen};
}

async function describe(fs: HostFs, pid: number): Promise<SocketHolder> {
  const [stat, exe, cgroup] = [
    await fs.readFile(`/proc/${pid}/stat`),
    await fs.readLink(`/proc/${pid}/exe`),
    await fs.readFile(`/proc/${pid}/cgroup`),
  ];
  const path = cgroup.ok ? parseCgroup(cgroup.value.bytes.toString('utf8')) : null;
  return {
    pid,
    name: (stat.ok ? parseProcStat(stat.value.bytes)?.name : undefined) ?? 'unknown',
    exe: exe.ok ? exe.value.replace(/ \(deleted\)$/, '') : null,
    unit: path === null ? null : unitOfCgroup(path),
  };
}
