import {join} from 'node:path/posix';
import type {PackFile} from '../../policies/load/pack.ts';
import {ReeveError} from '../errors.ts';
import type {Host} from '../host/host.ts';

/** What judging by a pack takes, as it lies on disk, unread as yet by the loader. */
export type PackFolder = {path: string; files: PackFile[]; signature: string | null};

/** What proves a pack's rules: written-down machines, and those that they build on. */
export type PackProofs = {cases: PackFile[]; bases: PackFile[]};

const maxFiles = 10_000;
const maxBytes = 1024 * 1024;

/** Reads a pack's own files. Throws `REEVE_PACK_UNREADABLE`; what the files hold is the loader's concern. */
export async function readPackFolder(host: Host, path: string): Promise<PackFolder> {
  const files = await readYamlFiles(host, path, true);
  const signature = await host.fs.readFile(join(path, 'pack.sig'), {maxBytes: 64 * 1024});
  return {path, files, signature: signature.ok ? signature.value.bytes.toString('utf8') : null};
}

/** Reads a pack's cases, many times what its rules take: for lint alone. */
export async function readPackProofs(host: Host, path: string): Promise<PackProofs> {
  const cases = await readYamlFiles(host, join(path, 'cases'), false);
  return {cases, bases: await readYamlFiles(host, join(path, 'cases/bases'), false)};
}

/** The folders below `path` that hold a pack.yaml, sorted; none when `path` is not there. */
export async function findPackFolders(host: Host, path: string): Promise<string[]> {
  const list = await host.fs.list(path, {max: maxFiles});
  if (!list.ok && list.code === 'absent') return [];
  if (!list.ok) throw new ReeveError('REEVE_PACK_UNREADABLE', `cannot look for packs in "${path}": ${list.reason}`);
  const found: string[] = [];
  for (const name of list.value.names.sort()) {
    if ((await host.fs.lstat(join(path, name, 'pack.yaml'))).ok) found.push(join(path, name));
  }
  return found;
}

/** The `.yaml` files directly in a folder, sorted by name. */
export async function readYamlFiles(host: Host, path: string, required: boolean): Promise<PackFile[]> {
  const list = await host.fs.list(path, {max: maxFiles});
  if (!list.ok) {
    if (!required && list.code === 'absent') return [];
    throw new ReeveError('REEVE_PACK_UNREADABLE', `cannot read the pack "${path}": ${list.reason}`);
  }
  if (list.value.truncated)
    throw new ReeveError('REEVE_PACK_UNREADABLE', `cannot read the pack "${path}": it has more than ${maxFiles} files`);
  const names = list.value.names.filter(name => name.endsWith('.yaml')).sort();
  return Promise.all(
    names.map(async name => {
      const file = await host.fs.readFile(join(path, name), {maxBytes});
      if (!file.ok) throw new ReeveError('REEVE_PACK_UNREADABLE', `cannot read the pack "${path}": ${file.reason}`);
      return {path: join(path, name), name, text: file.value.bytes.toString('utf8')};
    }),
  );
}
