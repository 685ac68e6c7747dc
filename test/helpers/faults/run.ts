import {execFile, execFileSync, spawnSync} from 'node:child_process';
import {chmodSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import type {HostFs} from '../../../agent/host/host.ts';
import type {Look} from '../../../agent/host/look.ts';
import type {WalkLimits} from '../../../agent/host/walk.ts';

export type Step =
  | {look: Exclude<keyof HostFs, 'walk' | 'readChunks'>; args: unknown[]}
  | {walk: string; limits?: WalkLimits}
  /** A shell script, which must succeed. */
  | {run: string};
export type Probe = {root: string; withNative: boolean; steps: Step[]};
export type Walked = {seen: number; last: string; notSeen: string[]; leftOut: string[]; entries: number};
export type ProbeResult = {results: unknown[]; ms: number[]; rssMb: number};

export const isRoot = process.geteuid?.() === 0;
const execute = promisify(execFile);
const program = fileURLToPath(new URL('probe.ts', import.meta.url));

/** The first words of a command line that put what follows into its own mounts and processes, which end with it. */
const apart = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-ec'];

/** Runs the looks in their own process, under `wrap`, within 60 s. */
export async function runProbe(
  steps: Step[],
  options: {root?: string; withNative?: boolean; wrap?: string[]} = {},
): Promise<ProbeResult> {
  const {root = '/', withNative = true, wrap = []} = options;
  const probe: Probe = {root, withNative, steps};
  const words = [...wrap, process.execPath, program, JSON.stringify(probe)];
  const {stdout} = await execute(words[0] as string, words.slice(1), {
    timeout: 60_000,
    killSignal: 'SIGKILL',
    maxBuffer: 1e8,
  });
  return JSON.parse(stdout);
}

/** Runs the looks after a shell script, in mounts and processes of their own. Needs root. */
export const runApart = (
  script: string,
  steps: Step[],
  options: {root?: string; withNative?: boolean} = {},
): Promise<ProbeResult> => runProbe(steps, {...options, wrap: [...apart, `${script}\nexec "$@"`, 'sh']});

/** Runs the looks as nobody, or as whoever runs the tests when that is not root. */
export const runUnprivileged = (steps: Step[], options: {root?: string} = {}): Promise<ProbeResult> =>
  runProbe(steps, {...options, wrap: isRoot ? asNobody : []});

const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'];

/** Whether nobody can read this repository at all: in a closed home it cannot run from there. */
export const nobodyCanRun = (): boolean =>
  spawnSync('setpriv', [...asNobody.slice(1), 'test', '-r', program]).status === 0;

/** A directory that others may enter, for one test. */
export function scratch(): {path: string; remove: () => void} {
  const path = mkdtempSync(join(tmpdir(), 'reeve-fault-'));
  chmodSync(path, 0o755);
  return {path, remove: () => rmSync(path, {recursive: true, force: true})};
}

/** Builds the file system that stops answering. Needs gcc, pkg-config and libfuse3-dev. */
export function buildSilentFs(directory: string): string {
  const source = fileURLToPath(new URL('silent-fs.c', import.meta.url));
  const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'fuse3'], {encoding: 'utf8'}).trim().split(/\s+/);
  const target = join(directory, 'silent-fs');
  execFileSync('cc', ['-O1', '-Wall', '-Wextra', '-Werror', '-o', target, source, ...flags]);
  return target;
}

/** A shell script that mounts it and waits until it is there. */
export const mountSilentFs = (program: string, mode: string, point: string): string => `
  ${program} ${mode} ${point} >/dev/null 2>&1 </dev/null &
  for i in $(seq 200); do
    grep -q ' ${point} ' /proc/self/mountinfo && break
    sleep 0.01
  done
  grep -q ' ${point} ' /proc/self/mountinfo`;

export const codeOf = (look: unknown): string => {
  const result = look as Look<unknown>;
  return result.ok ? 'ok' : result.code;
};
export const reasonOf = (look: unknown): string => {
  const result = look as Look<unknown>;
  return result.ok ? '' : result.reason;
};
