import type {TreeEntry} from '../../../../policies/facts/tree.ts';
import type {Host} from '../../host.ts';
import type {Look} from '../../look.ts';
import type {NameTables} from '../tables.ts';
import {judgeByDpkg} from './packaged-dpkg.ts';
import {judgeByRpm} from './packaged-rpm.ts';
import type {Region} from './region.ts';

/** Whether a found entry is as its package made it, and if not, what there is to say about it. Others have none. */
export type Packaged = {asPackaged: boolean; note: string};
/** Looks the wanted paths up in one package database; null when the host has no such database. */
export type PackageJudge = (
  host: Host,
  entries: Map<string, TreeEntry>,
  tables: NameTables,
) => Promise<Look<Map<string, Packaged>> | null>;

const judges: PackageJudge[] = [judgeByDpkg, judgeByRpm];

/** Takes out of each request that allows it what packages brought as it is. Only what was found is looked up. */
export async function dropPackaged(host: Host, regions: Region[], tables: NameTables): Promise<void> {
  const asking = regions.filter(({request, found}) => request.allowPackaged && found.length > 0);
  if (asking.length === 0) return;
  const entries = new Map(asking.flatMap(({found}) => found.map(entry => [merged(entry.path), entry] as const)));
  const known = new Map<string, Packaged>();
  let failure: string | null = null;
  for (const judge of judges) {
    const look = await judge(host, entries, tables);
    if (look === null) continue;
    if (look.ok) for (const [path, packaged] of look.value) known.set(path, packaged);
    else failure ??= look.reason;
  }
  for (const region of asking) {
    for (const entry of region.found.splice(0)) {
      const packaged = known.get(merged(entry.path));
      if (packaged?.asPackaged) region.allowed++;
      else if (packaged !== undefined) region.found.push({...entry, packageNote: packaged.note});
      else if (failure === null) region.found.push(entry);
      else region.fail(entry.path, `cannot tell whether a package brought ${entry.path}: ${failure}`);
    }
  }
}

/** With merged /usr a file has two paths; the one below /usr is its name here. */
export const merged = (path: string): string =>
  path.replace(/^\/(bin|sbin|lib|lib32|lib64|libx32|libo32)\//, '/usr/$1/');
