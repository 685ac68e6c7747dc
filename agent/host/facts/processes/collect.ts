import {type Answer, liveOnly, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {ProcessFact} from '../../../../policies/facts/processes.ts';
import type {Host, HostFs} from '../../host.ts';
import type {Look} from '../../look.ts';
import {single} from '../collector.ts';
import {parseCgroup, unitOfCgroup} from './cgroup.ts';
import {parseArguments, parseProcStat, parseProcStatus} from './parse.ts';

const maxProcesses = 32_768;
const maxArgumentBytes = 8 * 1024;
/** Of all processes together: a bound on what a host full of long command lines costs. */
const maxAllArgumentBytes = 16 * 1024 * 1024;
/** sysconf(_SC_CLK_TCK): 100 on every architecture that Node runs on. */
const ticksPerSecond = 100;

/** Every process of /proc that is no zombie. One that ends while it is looked at is left out. */
export const collectProcesses = single<'processes'>(async ({host}): Promise<Answer<ProcessFact[]>> => {
  if (!host.live) return liveOnly('processes');
  const pids = await listPids(host.fs);
  if ('reason' in pids) return unseen(pids.reason);
  const hidden = await whatIsHidden(host);
  if (hidden !== null) return unseen(hidden);
  const budget: Budget = {bootedMs: await bootTime(host), argumentBytes: maxAllArgumentBytes, noLabels: null};
  const processes: ProcessFact[] = [];
  for (const pid of pids.pids) {
    const process = await lookAt(host.fs, pid, budget);
    if (process === null) continue;
    if ('reason' in process) return unseen(process.reason);
    processes.push(process);
  }
  return seen(processes, ['/proc']);
});

/** What is known of the machine, and what is left to spend, while its processes are gone through. */
type Budget = {
  bootedMs: number | null;
  argumentBytes: number;
  /** Why no process has a label, once the kernel said for one that it keeps none. */
  noLabels: string | null;
};

/** The process ids that /proc lists, ascending. */
export async function listPids(fs: HostFs): Promise<{pids: number[]} | {reason: string}> {
  const list = await fs.list('/proc', {max: 4 * maxProcesses});
  if (!list.ok) return {reason: list.reason};
  const pids = list.value.names.filter(name => /^[1-9]\d{0,9}$/.test(name)).map(Number);
  if (list.value.truncated || pids.length > maxProcesses)
    return {reason: `more than ${maxProcesses} processes run: not all of them were looked at`};
  return {pids: pids.sort((a, b) => a - b)};
}

/** Why /proc does not show everybody's processes to whoever looks, or null. proc(5), mount option `hidepid`. */
async function whatIsHidden({fs, uid}: Host): Promise<string | null> {
  if (uid === 0) return null;
  const mounts = await fs.readFile('/proc/self/mountinfo');
  if (!mounts.ok) return null;
  const own = mounts.value.bytes
    .toString('utf8')
    .split('\n')
    .findLast(line => line.split(' ')[4] === '/proc');
  const option = /hidepid=([a-z0-9]+)/.exec(own ?? '')?.[1];
  if (option === undefined || option === '0' || option === 'off') return null;
  if ((await fs.readFile('/proc/1/status')).ok) return null;
  return `/proc is mounted with hidepid=${option}, which hides the processes of others: run as root`;
}

/** Milliseconds since the epoch. /proc/stat gives whole seconds; the uptime is finer where it agrees. */
async function bootTime({fs, uname}: Host): Promise<number | null> {
  const stat = await fs.readFile('/proc/stat', {maxBytes: 16 * 1024 * 1024});
  const match = stat.ok ? /^btime (\d{1,12})$/m.exec(stat.value.bytes.toString('latin1')) : null;
  const fine = uname?.bootedMs ?? null;
  if (match === null) return fine;
  const coarse = Number(match[1]) * 1000;
  return fine !== null && Math.abs(fine - coarse) < 1500 ? fine : coarse;
}

/** Null when the process has ended; a reason when even its ids cannot be read. */
async function lookAt(fs: HostFs, pid: number, budget: Budget): Promise<ProcessFact | {reason: string} | null> {
  const folder = `/proc/${pid}`;
  const read = (name: string, maxBytes?: number) =>
    fs.readFile(`${folder}/${name}`, maxBytes === undefined ? {} : {maxBytes});
  const statusFile = await read('status');
  if (!statusFile.ok) return statusFile.code === 'absent' ? null : {reason: statusFile.reason};
  const statFile = await read('stat');
  const stat = statFile.ok ? parseProcStat(statFile.value.bytes) : null;
  if (stat === null && (await fs.lstat(folder)).ok === false) return null;
  const statusText = statusFile.value.bytes.toString('utf8');
  if (stat?.state === 'Z' || stat?.state === 'X' || /^State:\t[ZX]/m.test(statusText)) return null;
  const status = parseProcStatus(statusText);
  if (statusFile.value.truncated || 'missing' in status) {
    return {
      reason: `cannot read ${folder}/status: ${'missing' in status ? `it has no whole line "${status.missing}"` : 'it is too long'}`,
    };
  }

  const gaps = new Map<string, string>();
  const note = (fields: string[], reason: string) => {
    for (const field of fields) gaps.set(field, reason);
  };
  if (stat === null)
    note(['startedAt'], statFile.ok ? `cannot read ${folder}/stat: it is not complete` : statFile.reason);
  else if (budget.bootedMs === null)
    note(['startedAt'], 'cannot tell when the machine started: /proc/stat has no btime');
  if (status.noNewPrivileges === null)
    note(['noNewPrivileges'], `${folder}/status has no NoNewPrivs: the kernel is older than 4.10`);
  if (status.seccomp === null) note(['seccomp'], `${folder}/status has no Seccomp: the kernel was built without it`);
  const kernelThread = stat?.kernelThread ?? /^Kthread:\t1$/m.test(statusText);
  const own = kernelThread
    ? {exe: null, arguments: null, cgroup: null, label: null}
    : {
        exe: await look(
          fs.readLink(`${folder}/exe`),
          target => target,
          reason => note(['exe'], reason),
        ),
        arguments: await readArguments(read, budget, reason => note(['arguments'], reason)),
        cgroup: await look(
          read('cgroup'),
          file => parseCgroup(file.bytes.toString('utf8')),
          reason => note(['cgroup', 'unit'], reason),
        ),
        label: await readLabel(read, budget, reason => note(['label'], reason)),
      };
  // A look that found nothing there may mean that the process has ended meanwhile.
  if (gaps.size > 0 && (await fs.lstat(folder)).ok === false) return null;
  return {
    pid,
    parent: stat?.parent ?? Number(/^PPid:\t(\d+)$/m.exec(statusText)?.[1] ?? 0),
    name: stat?.name ?? /^Name:\t(.*)$/m.exec(statusText)?.[1] ?? '',
    kernelThread,
    exe: own.exe?.replace(/ \(deleted\)$/, '') ?? null,
    exeDeleted: own.exe?.endsWith(' (deleted)') ?? false,
    arguments: own.arguments,
    ...status,
    cgroup: own.cgroup,
    unit: own.cgroup === null ? null : unitOfCgroup(own.cgroup),
    startedAt: stat === null || budget.bootedMs === null ? null : startTime(budget.bootedMs, stat.startTicks),
    label: own.label,
    unseen: Object.fromEntries(gaps),
  };
}

async function look<T, R>(
  looking: Promise<Look<T>>,
  use: (value: T) => R,
  note: (reason: string) => void,
): Promise<R | null> {
  const result = await looking;
  if (result.ok) return use(result.value);
  note(result.reason);
  return null;
}

type Read = (name: string, maxBytes?: number) => ReturnType<HostFs['readFile']>;

async function readArguments(read: Read, budget: Budget, note: (reason: string) => void): Promise<string[] | null> {
  const file = await read('cmdline', Math.min(maxArgumentBytes, budget.argumentBytes));
  if (!file.ok) note(file.reason);
  else if (file.value.truncated) note('the command line is too long to keep');
  else {
    budget.argumentBytes -= file.value.bytes.length;
    return parseArguments(file.value.bytes);
  }
  return null;
}

/**
 * The label of the LSM that confines processes. AppArmor's own file is there whenever the kernel was built with it, and
 * gives EINVAL when another LSM is at work; attr/current belongs to whichever that is. Source: kernel, userspace-api/lsm.rst.
 */
async function readLabel(read: Read, budget: Budget, note: (reason: string) => void): Promise<string | null> {
  if (budget.noLabels !== null) {
    note(budget.noLabels);
    return null;
  }
  const own = await read('attr/apparmor/current', 4096);
  const file = own.ok ? own : await read('attr/current', 4096);
  if (file.ok) return file.value.bytes.toString('utf8').replace(/[\0\n]+$/, '');
  if (file.code === 'unsupported')
    budget.noLabels = 'no LSM of this kernel labels processes: /proc/PID/attr/current cannot be read (EINVAL)';
  note(budget.noLabels ?? file.reason);
  return null;
}

function startTime(bootedMs: number, ticks: number): string | null {
  const at = new Date(bootedMs + (ticks * 1000) / ticksPerSecond);
  return Number.isNaN(at.getTime()) ? null : at.toISOString();
}
