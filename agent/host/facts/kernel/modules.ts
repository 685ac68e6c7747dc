import {type Answer, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {KernelModuleFact} from '../../../../policies/facts/kernel.ts';
import type {Host} from '../../host.ts';
import type {Collector} from '../collector.ts';
import {findRule, plainModule, readModprobe} from './modprobe.ts';

const maxBytes = 16 * 1024 * 1024;

export const collectKernelModule: Collector<'kernelModule'> = async (requests, {host}) => {
  const modprobe = await readModprobe(host);
  const installed = await readInstalled(host);
  const loaded = host.live ? await readLoaded(host) : null;
  const reasons = [
    ...modprobe.unreadable,
    ...('reason' in installed ? [installed.reason] : []),
    ...(loaded !== null && 'reason' in loaded ? [loaded.reason] : []),
  ];
  return requests.map((request): Answer<KernelModuleFact> => {
    if (reasons.length > 0 || 'reason' in installed || (loaded !== null && 'reason' in loaded))
      return unseen(reasons.join('; '));
    const module = plainModule(request.module);
    const install = findRule(modprobe.rules, 'install', module);
    const blacklist = findRule(modprobe.rules, 'blacklist', module);
    const files = installed.files.get(module) ?? [];
    return seen(
      {
        loaded: loaded === null ? null : loaded.names.has(module),
        builtin: installed.builtin.has(module),
        files,
        install: install === null ? null : {command: install.command, where: install.where},
        blacklist: blacklist === null ? null : {where: blacklist.where},
      },
      [
        ...(loaded === null ? [] : ['/proc/modules']),
        ...installed.folders,
        ...new Set([install, blacklist].flatMap(rule => rule?.where ?? [])),
      ],
    );
  });
};

async function readLoaded({fs}: Host): Promise<{names: Set<string>} | {reason: string}> {
  const file = await fs.readFile('/proc/modules', {maxBytes});
  // A kernel that was built without modules has no such file.
  if (!file.ok) return file.code === 'absent' ? {names: new Set()} : {reason: file.reason};
  const names = file.value.bytes
    .toString('latin1')
    .split('\n')
    .map(line => plainModule(line.split(' ')[0] as string));
  return {names: new Set(names)};
}

type Installed = {files: Map<string, string[]>; builtin: Set<string>; folders: string[]};

/** What depmod(8) found for each installed kernel; modules may be compressed. */
async function readInstalled(host: Host): Promise<Installed | {reason: string}> {
  const installed: Installed = {files: new Map(), builtin: new Set(), folders: []};
  const list = await host.fs.list('/lib/modules', {max: 1000});
  if (!list.ok) return list.code === 'absent' ? {...installed, folders: ['/lib/modules']} : {reason: list.reason};
  for (const release of list.value.names.sort()) {
    const folder = `/lib/modules/${release}`;
    const dependencies = await readLines(host, `${folder}/modules.dep`);
    if ('reason' in dependencies) return dependencies;
    if (dependencies.lines === null) {
      if (!(await host.fs.lstat(`${folder}/kernel`)).ok) continue;
      return {reason: `cannot tell the modules of ${folder}: it has no modules.dep (run depmod ${release})`};
    }
    installed.folders.push(`${folder}/modules.dep`);
    for (const line of dependencies.lines) {
      const path = line.split(':')[0] as string;
      const name = moduleOf(path);
      if (name !== null)
        installed.files.set(name, [
          ...(installed.files.get(name) ?? []),
          path.startsWith('/') ? path : `${folder}/${path}`,
        ]);
    }
    const builtin = await readLines(host, `${folder}/modules.builtin`);
    if ('reason' in builtin) return builtin;
    if (host.uname !== null && host.uname.release !== release) continue;
    for (const line of builtin.lines ?? []) {
      const name = moduleOf(line);
      if (name !== null) installed.builtin.add(name);
    }
  }
  return installed;
}

function moduleOf(path: string): string | null {
  const name = /([^/]+)\.ko(?:\.(?:gz|xz|zst))?\s*$/.exec(path)?.[1];
  return name === undefined ? null : plainModule(name);
}

/** Null when the file is not there. */
async function readLines({fs}: Host, path: string): Promise<{lines: string[] | null} | {reason: string}> {
  const file = await fs.readFile(path, {maxBytes});
  if (!file.ok) return file.code === 'absent' ? {lines: null} : {reason: file.reason};
  if (file.value.truncated) return {reason: `${path} is too large`};
  return {lines: file.value.bytes.toString('utf8').split('\n')};
}
