import type {BootEntry} from '../../../../policies/facts/boot.ts';
import {splitKernelArguments} from './words.ts';

const loadsKernel = /^\s*(?:linux|linux16|linuxefi|module|module2)\s+(?:--\S+\s+)*(\S+)\s*(.*)$/;
const isKernel = (path: string) => /^(?:vmlinu[xz]|bzImage|kernel|linux)/i.test(path.slice(path.lastIndexOf('/') + 1));
const isRecovery = (title: string, words: string[]) =>
  /recovery|rescue/i.test(title) ||
  words.some(
    word =>
      ['single', 'rescue', 'emergency', 'S', '1', 'recovery'].includes(word) ||
      /^systemd\.unit=(?:rescue|emergency)\.target$/.test(word),
  );

/** The kernels that a grub.cfg loads. Variables stay as `$name` words. Source: GRUB manual, "Shell-like scripting". */
export function parseGrubConfig(path: string, text: string): {entries: BootEntry[]; readsBls: boolean} {
  const entries: BootEntry[] = [];
  let title = '';
  let readsBls = false;
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*blscfg\b/.test(line)) readsBls = true;
    const entry = /^\s*menuentry\s+(?:'([^']*)'|"([^"]*)"|(\S+))/.exec(line);
    if (entry !== null) title = entry[1] ?? entry[2] ?? entry[3] ?? '';
    const load = loadsKernel.exec(line);
    if (load === null || !isKernel(load[1] as string)) continue;
    const words = splitKernelArguments(unquote(load[2] as string));
    entries.push({title, arguments: words, recovery: isRecovery(title, words), where: `${path}:${index + 1}`});
  }
  return {entries, readsBls};
}

/** GRUB takes a level of quoting away; double quotes stay, for the kernel's own splitting. */
const unquote = (text: string) => text.replaceAll("'", '"').replace(/\\(.)/g, '$1');

/** One entry of the Boot Loader Specification (type 1); `options` may be given more than once. Null without a kernel. */
export function parseBlsEntry(path: string, text: string): BootEntry | null {
  let title = '';
  let kernel = false;
  let line = 1;
  const options: string[] = [];
  for (const [index, content] of text.split('\n').entries()) {
    const match = /^(\w+)\s+(.*?)\s*$/.exec(content);
    if (match?.[1] === 'title') title = match[2] as string;
    if (match?.[1] === 'linux') kernel = true;
    if (match?.[1] === 'options') {
      if (options.length === 0) line = index + 1;
      options.push(match[2] as string);
    }
  }
  const words = splitKernelArguments(options.join(' '));
  return kernel ? {title, arguments: words, recovery: isRecovery(title, words), where: `${path}:${line}`} : null;
}

/** A GRUB environment block: `name=value` lines, filled up with `#`. */
export function parseGrubEnvironment(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
    if (match !== null) values.set(match[1] as string, match[2] as string);
  }
  return values;
}

/**
 * What grub.cfg itself may set a variable to. Where it sets one in several places, under conditions that only the
 * loader knows, all of them count together.
 */
export function grubVariables(texts: string[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of texts.flatMap(text => text.split('\n'))) {
    const match = /^\s*set\s+([A-Za-z_][A-Za-z0-9_]*)=(?:"([^"]*)"|'([^']*)'|(\S*))\s*$/.exec(line);
    if (match === null) continue;
    const [name, value] = [match[1] as string, match[2] ?? match[3] ?? match[4] ?? ''];
    values.set(name, values.has(name) ? `${values.get(name)} ${value}` : value);
  }
  return values;
}

/** Fills in `$name` and `${name}`; one that nothing sets is empty, as in GRUB. A value may hold several words. */
export function withVariables(entry: BootEntry, variables: Map<string, string>): BootEntry {
  const fill = (word: string) =>
    word.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced, plain) => variables.get(braced ?? plain) ?? '');
  return {
    ...entry,
    arguments: entry.arguments.flatMap(word => (word.includes('$') ? splitKernelArguments(fill(word)) : [word])),
  };
}
