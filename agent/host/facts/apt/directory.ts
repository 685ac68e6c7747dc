import type {Host} from '../../host.ts';
import {failed, type Look, looked} from '../../look.ts';

/** Real ones have a few KB. */
const maxBytes = 1024 * 1024;
const maxLineLength = 16_384;

export type ConfigFile = {path: string; text: string};

/**
 * The files of a configuration directory that apt reads, in its order: names of letters, digits, `-`, `_`, `:` and `.`,
 * with one of the endings (`''` for none), links followed. A directory that is not there holds none.
 */
export async function readDirectory(host: Host, directory: string, endings: string[]): Promise<Look<ConfigFile[]>> {
  const list = await host.fs.list(directory, {max: 10_000});
  if (!list.ok) return list.code === 'absent' ? looked([]) : list;
  if (list.value.truncated) return failed('io', `cannot list all of ${directory}: it has too many entries`);
  const files: ConfigFile[] = [];
  for (const name of list.value.names.filter(entry => isWanted(entry, endings)).sort(byBytes)) {
    const path = `${directory}/${name}`;
    const stat = await host.fs.stat(path);
    if (stat.ok && stat.value.type !== 'file') continue;
    const file = await readConfigFile(host, path);
    if (!file.ok) return file;
    if (file.value !== null) files.push(file.value);
  }
  return looked(files);
}

/** A whole configuration file; null when it is not there. */
export async function readConfigFile(host: Host, path: string): Promise<Look<ConfigFile | null>> {
  const file = await host.fs.readFile(path, {maxBytes});
  if (!file.ok) return file.code === 'absent' ? looked(null) : file;
  if (file.value.truncated) return failed('io', `cannot read all of ${path}: it is too large`);
  if (file.value.bytes.includes(0)) return failed('io', `cannot read ${path}: it is damaged, it holds NUL bytes`);
  const text = file.value.bytes.toString('utf8');
  if (text.split('\n').some(line => line.length > maxLineLength))
    return failed('io', `cannot read ${path}: a line is longer than ${maxLineLength} characters`);
  return looked({path, text});
}

function isWanted(name: string, endings: string[]): boolean {
  if (!/^[A-Za-z0-9_:-][A-Za-z0-9_:.-]*$/.test(name) || name.endsWith('.')) return false;
  const dot = name.lastIndexOf('.');
  return dot < 0 ? endings.includes('') : endings.includes(name.slice(dot + 1));
}

const byBytes = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
