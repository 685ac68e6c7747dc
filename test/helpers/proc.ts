import type {FixtureEntry} from '../../agent/host/memory/fixture.ts';

export type ProcessLines = {
  pid: number;
  name?: string;
  parent?: number;
  state?: string;
  /** Bits of field 9 of proc_pid_stat(5): 0x200000 for a kernel thread. */
  flags?: number;
  /** In hundredths of a second after boot. */
  start?: number;
  exe?: string;
  /** Real, effective, saved and file system ids. */
  uids?: [number, number, number, number];
  gids?: [number, number, number, number];
  groups?: number[];
  capabilities?: string;
  permitted?: string;
  noNewPrivileges?: 0 | 1;
  seccomp?: 0 | 1 | 2;
  cgroup?: string;
  label?: string | FixtureEntry;
  environment?: {[name: string]: string} | FixtureEntry;
  arguments?: string[];
};

const none = '0000000000000000';

/** The files of /proc/PID that a fixture needs for one process, as the kernel writes them. */
export function procFiles(lines: ProcessLines): {[path: string]: string | FixtureEntry} {
  const {pid, name = 'app', parent = 1, state = 'S', flags = 0, start = 1000, uids = [1000, 1000, 1000, 1000]} = lines;
  const {
    gids = uids,
    groups = [],
    capabilities = none,
    permitted = capabilities,
    cgroup = '/system.slice/app.service',
  } = lines;
  const folder = `/proc/${pid}`;
  const kernelThread = (flags & 0x200000) !== 0;
  const status = [
    `Name:\t${name}`,
    `State:\t${state} (sleeping)`,
    `PPid:\t${parent}`,
    `Uid:\t${uids.join('\t')}`,
    `Gid:\t${gids.join('\t')}`,
    `Groups:\t${groups.join(' ')} `,
    `CapInh:\t${none}`,
    `CapPrm:\t${permitted}`,
    `CapEff:\t${capabilities}`,
    'CapBnd:\t000001ffffffffff',
    `CapAmb:\t${none}`,
    `NoNewPrivs:\t${lines.noNewPrivileges ?? 0}`,
    `Seccomp:\t${lines.seccomp ?? 0}`,
    '',
  ];
  const tail = `${state} ${parent} 1 1 0 -1 ${flags} 0 0 0 0 0 0 0 0 20 0 1 0 ${start} 1 1`;
  return {
    [`${folder}/status`]: status.join('\n'),
    [`${folder}/stat`]: `${pid} (${name}) ${tail}\n`,
    [`${folder}/cmdline`]: (lines.arguments ?? []).map(word => `${word}\0`).join(''),
    [`${folder}/cgroup`]: `0::${cgroup}\n`,
    ...(kernelThread ? {} : {[`${folder}/exe`]: {link: lines.exe ?? '/usr/bin/app'}}),
    [`${folder}/attr/current`]: lines.label ?? {read_error: 'EINVAL'},
    [`${folder}/environ`]: environ(lines.environment ?? {}),
  };
}

function environ(environment: NonNullable<ProcessLines['environment']>): string | FixtureEntry {
  if ('read_error' in environment || 'error' in environment) return environment as FixtureEntry;
  return Object.entries(environment)
    .map(([name, value]) => `${name}=${value}\0`)
    .join('');
}
