import {loadAttestations} from '../../policies/load/attestations.ts';
import {type Loaded, loadPack, type PackFile} from '../../policies/load/pack.ts';
import type {Problem} from '../../policies/load/problem.ts';
import {loadWaivers, type Waiver} from '../../policies/load/waivers.ts';
import type {Pack} from '../../policies/pack.ts';
import {readOwnFile, whyUnsafe} from '../config/own-file.ts';
import type {Config} from '../config/schema.ts';
import {type ErrorCode, ReeveError} from '../errors.ts';
import {shippedPacks} from '../home.ts';
import {attestationsName} from '../host/facts/attestations.ts';
import type {Host} from '../host/host.ts';
import {counted} from '../report/text.ts';
import {findPackFolders, readPackFolder} from './disk.ts';
import {isPackSigned} from './signature.ts';

export const packKeysPath = '/etc/reeve/pack-keys';

export type Site = {
  packs: Pack[];
  /** Every rule's id, or null when the caller asked for some packs alone. */
  known: ReadonlySet<string> | null;
  waivers: Waiver[];
  /** What the reader must know of how it was loaded, such as waivers that could not be read. */
  notes: string[];
};

/**
 * Loads the packs that the configuration wants, the shipped and the site's own, and the site's waivers. `program` is
 * the machine that reeve runs on, which is not always the one that is judged. Throws with every problem of all files.
 */
export async function loadSite(program: Host, config: Config, only: string[] = []): Promise<Site> {
  const folders = select(
    [...(await findPackFolders(program, shippedPacks)), ...(await findSitePacks(program, config.policies_dir))],
    only.length > 0 ? only : config.packs,
  );
  const keys = await readPackKeys(program);
  const problems: Problem[] = [];
  const packs: Pack[] = [];
  for (const path of folders) {
    const folder = await readPackFolder(program, path);
    if (!path.startsWith(shippedPacks)) await refuseUnsafe(program, path, folder.files);
    const {signed} = isPackSigned(folder.files, folder.signature, keys, program.now());
    const loaded = loadPack({files: folder.files, signed, name: nameOf(path)}, config.params[nameOf(path)] ?? {});
    if (loaded.value === null) problems.push(...loaded.problems);
    else packs.push(loaded.value);
  }
  if (problems.length > 0) {
    const count = counted(problems.length, 'problem');
    throw new ReeveError('REEVE_PACK_INVALID', `cannot load the packs: ${count}`, {problems});
  }
  const {waivers, notes} = await readWaivers(program, config.policies_dir);
  const known = only.length > 0 ? null : new Set(packs.flatMap(({rules}) => rules.map(({id}) => id)));
  return {packs, known, waivers, notes};
}

/** The keys whose packs may hold probes, allowed_signers(5). Null when there is no such file, or only root may read it. */
async function readPackKeys(program: Host): Promise<string | null> {
  const file = await readOwnFile(program, packKeysPath, 'REEVE_CONFIG_INVALID');
  return file.state === 'read' ? file.text : null;
}

async function findSitePacks(program: Host, directory: string): Promise<string[]> {
  return findPackFolders(program, directory).catch(error => {
    if (program.uid !== 0) return [];
    throw error;
  });
}

/** Site packs decide what is judged, so nobody but root may have written them, or the folders that they lie in. */
async function refuseUnsafe(program: Host, path: string, files: PackFile[]): Promise<void> {
  const directory = path.slice(0, path.lastIndexOf('/')) || '/';
  for (const part of [directory, path, ...files.map(file => file.path)]) {
    const stat = await program.fs.stat(part);
    const wrong = stat.ok ? whyUnsafe(program, stat.value) : stat.reason;
    if (wrong !== null) throw new ReeveError('REEVE_PACK_UNREADABLE', `cannot load the pack "${part}": ${wrong}`);
  }
}

const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);

/** The folders of the packs that are wanted; all of them when none is named. A pack has its folder's name. */
function select(folders: string[], names: string[]): string[] {
  const twice = folders.find((path, index) =>
    folders.slice(0, index).some(earlier => nameOf(earlier) === nameOf(path)),
  );
  if (twice !== undefined) {
    throw new ReeveError(
      'REEVE_PACK_INVALID',
      `cannot load the pack "${twice}": reeve ships one of that name, choose another`,
    );
  }
  const unknown = names.filter(name => !folders.some(path => nameOf(path) === name));
  if (unknown.length > 0) {
    throw new ReeveError(
      'REEVE_RULE_UNKNOWN',
      `there is no pack "${unknown.join('", "')}": known are ${folders.map(nameOf).join(', ')}`,
    );
  }
  return names.length === 0 ? folders : folders.filter(path => names.includes(nameOf(path)));
}

async function readWaivers(program: Host, directory: string): Promise<Pick<Site, 'waivers' | 'notes'>> {
  const path = `${directory}/waivers.yaml`;
  const file = await readSiteFile(program, path, 'REEVE_WAIVERS_INVALID', loadWaivers);
  if ('value' in file) return {waivers: file.value, notes: []};
  return {waivers: [], notes: file.denied === null ? [] : [`${file.denied}: no waiver was applied`]};
}

/** How many attestations the site has; throws with every problem of their file. */
export async function countAttestations(program: Host, directory: string): Promise<number> {
  const path = `${directory}/${attestationsName}`;
  const file = await readSiteFile(program, path, 'REEVE_ATTESTATIONS_INVALID', loadAttestations);
  return 'value' in file ? file.value.length : 0;
}

async function readSiteFile<T>(
  program: Host,
  path: string,
  code: ErrorCode,
  load: (path: string, text: string) => Loaded<T>,
): Promise<{value: T} | {denied: string | null}> {
  const file = await readOwnFile(program, path, code);
  if (file.state !== 'read') return {denied: file.state === 'denied' ? file.reason : null};
  const loaded = load(path, file.text);
  if (loaded.value !== null) return {value: loaded.value};
  const count = counted(loaded.problems.length, 'problem');
  throw new ReeveError(code, `cannot load "${path}": ${count}`, {problems: loaded.problems});
}
