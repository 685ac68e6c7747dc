import {matchesPattern} from '../../../../policies/pattern.ts';
import type {Host} from '../../host.ts';
import {splitKernelArguments} from '../boot/words.ts';

export type ModprobeRule = {what: 'install' | 'blacklist'; module: string; command: string; where: string};

/** modprobe.d(5): a file in an earlier directory hides one of the same name in a later one. */
export const modprobeDirectories = [
  '/etc/modprobe.d',
  '/run/modprobe.d',
  '/usr/local/lib/modprobe.d',
  '/usr/lib/modprobe.d',
  '/lib/modprobe.d',
];

export const plainModule = (name: string): string => name.replaceAll('-', '_');

/** All lines that keep modules from being loaded, in the order in which modprobe(8) reads them, and what was unreadable. */
export async function readModprobe(host: Host): Promise<{rules: ModprobeRule[]; unreadable: string[]; read: string[]}> {
  const files = new Map<string, string>();
  const unreadable: string[] = [];
  const read: string[] = [];
  const rules: ModprobeRule[] = [];
  for (const directory of modprobeDirectories) {
    const list = await host.fs.list(directory);
    if (!list.ok && list.code !== 'absent') unreadable.push(list.reason);
    for (const name of list.ok ? list.value.names : []) {
      if (name.endsWith('.conf') && !files.has(name)) files.set(name, `${directory}/${name}`);
    }
  }
  for (const [, path] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const file = await host.fs.readFile(path);
    if (!file.ok) unreadable.push(file.reason);
    else if (file.value.truncated) unreadable.push(`${path} is too large`);
    else {
      read.push(path);
      rules.push(...parseModprobe(path, file.value.bytes.toString('utf8')));
    }
  }
  rules.push(...(await readCommandLine(host)));
  return {rules, unreadable, read};
}

/** A `\` at the end of a line carries on with the next. */
export function parseModprobe(path: string, text: string): ModprobeRule[] {
  const rules: ModprobeRule[] = [];
  let begun = '';
  let from = 0;
  for (const [index, line] of text.split('\n').entries()) {
    if (begun === '') from = index + 1;
    if (line.endsWith('\\')) {
      begun += line.slice(0, -1);
      continue;
    }
    const match = /^\s*(install|blacklist)\s+(\S+)\s*(.*)$/.exec(begun + line);
    begun = '';
    if (match === null) continue;
    const [, what, module, command] = match as unknown as [string, ModprobeRule['what'], string, string];
    rules.push({what, module: plainModule(module), command: command.trim(), where: `${path}:${from}`});
  }
  return rules;
}

/** `modprobe.blacklist=` and `module_blacklist=` of the running kernel; the latter refuses any loading at all. */
async function readCommandLine({fs, live}: Host): Promise<ModprobeRule[]> {
  const file = live ? await fs.readFile('/proc/cmdline', {maxBytes: 64 * 1024}) : null;
  if (file === null || !file.ok) return [];
  return splitKernelArguments(file.value.bytes.toString('utf8')).flatMap(word => {
    const match = /^(module_blacklist|modprobe\.blacklist)=(.*)$/.exec(word);
    return (match?.[2] ?? '')
      .split(',')
      .filter(name => name !== '')
      .flatMap((name): ModprobeRule[] => {
        const rule = {module: plainModule(name), where: '/proc/cmdline'};
        const blacklist: ModprobeRule = {...rule, what: 'blacklist', command: ''};
        return match?.[1] === 'module_blacklist'
          ? [blacklist, {...rule, what: 'install', command: '/bin/false'}]
          : [blacklist];
      });
  });
}

/** modprobe takes the first `install` line whose pattern covers the name; blacklisting names are exact. */
export function findRule(rules: ModprobeRule[], what: ModprobeRule['what'], module: string): ModprobeRule | null {
  const covers = (rule: ModprobeRule) =>
    what === 'install' ? matchesPattern(rule.module, module) : rule.module === module;
  return rules.find(rule => rule.what === what && covers(rule)) ?? null;
}
