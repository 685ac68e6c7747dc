import {decodeName} from '../../names.ts';

/** What proc_pid_stat(5) says beyond proc_pid_status(5). */
export type ProcStat = {name: string; state: string; parent: number; kernelThread: boolean; startTicks: number};

const PF_KTHREAD = 0x00200000;

/**
 * proc_pid_stat(5). The name stands in parentheses and may itself hold parentheses, spaces and newlines, so the fields
 * are counted from the last `)`. Null for a line that is not complete.
 */
export function parseProcStat(bytes: Uint8Array): ProcStat | null {
  const open = bytes.indexOf(0x28);
  const close = bytes.lastIndexOf(0x29);
  if (open < 0 || close < open) return null;
  const fields = Buffer.from(bytes.subarray(close + 1))
    .toString('latin1')
    .trim()
    .split(' ');
  const [state, parent] = fields;
  const [flags, startTicks] = [Number(fields[6]), Number(fields[19])];
  if (
    state === undefined ||
    !Number.isSafeInteger(flags) ||
    !Number.isSafeInteger(startTicks) ||
    !/^\d+$/.test(parent ?? '')
  )
    return null;
  return {
    name: decodeName(bytes.subarray(open + 1, close)),
    state,
    parent: Number(parent),
    kernelThread: (flags & PF_KTHREAD) !== 0,
    startTicks,
  };
}

export type Ids = {real: number; effective: number; saved: number; filesystem: number};
export type ProcStatus = {
  uids: Ids;
  gids: Ids;
  groups: number[];
  capabilities: {effective: string; permitted: string; bounding: string; ambient: string; inheritable: string};
  noNewPrivileges: boolean | null;
  seccomp: number | null;
};

/** proc_pid_status(5). `missing` names a line that every kernel writes, when it is not there or damaged. */
export function parseProcStatus(text: string): ProcStatus | {missing: string} {
  const lines = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0 && !lines.has(line.slice(0, colon))) lines.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const [uids, gids, groups] = [idsOf(lines.get('Uid')), idsOf(lines.get('Gid')), lines.get('Groups')];
  if (uids === null) return {missing: 'Uid'};
  if (gids === null) return {missing: 'Gid'};
  if (groups === undefined) return {missing: 'Groups'};
  const mask = (name: string) => (/^[0-9a-f]{16}$/.test(lines.get(name) ?? '') ? (lines.get(name) as string) : '');
  const missing = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd'].find(name => mask(name) === '');
  if (missing !== undefined) return {missing};
  return {
    uids,
    gids,
    groups: groups
      .split(/\s+/)
      .filter(id => /^\d+$/.test(id))
      .map(Number),
    capabilities: {
      effective: mask('CapEff'),
      permitted: mask('CapPrm'),
      bounding: mask('CapBnd'),
      // Kernels before 4.3 know no ambient set.
      ambient: mask('CapAmb') || '0'.repeat(16),
      inheritable: mask('CapInh'),
    },
    noNewPrivileges: lines.has('NoNewPrivs') ? lines.get('NoNewPrivs') === '1' : null,
    seccomp: /^\d$/.test(lines.get('Seccomp') ?? '') ? Number(lines.get('Seccomp')) : null,
  };
}

function idsOf(text: string | undefined): Ids | null {
  const [real, effective, saved, filesystem] = (text ?? '')
    .split(/\s+/)
    .map(id => (/^\d+$/.test(id) ? Number(id) : Number.NaN));
  if (real === undefined || effective === undefined || saved === undefined || filesystem === undefined) return null;
  return [real, effective, saved, filesystem].some(Number.isNaN) ? null : {real, effective, saved, filesystem};
}

/** proc_pid_cmdline(5): each argument ends in a NUL; a process may have written over them. */
export function parseArguments(bytes: Uint8Array): string[] {
  if (bytes.length === 0) return [];
  const text = decodeName(bytes);
  return (text.endsWith('\0') ? text.slice(0, -1) : text).split('\0');
}
