import {createHash} from 'node:crypto';
import {kindsByName} from '../../policies/kinds/index.ts';
import type {Kind} from '../../policies/kinds/kind.ts';
import type {Waiver} from '../../policies/load/waivers.ts';
import type {CheckNode, Pack, Rule} from '../../policies/pack.ts';
import {whyUnsafe} from '../config/own-file.ts';
import type {Config} from '../config/schema.ts';
import {ReeveError} from '../errors.ts';
import type {Host} from '../host/host.ts';
import {writeAtomically} from './write.ts';

/** All that judging takes, as it was loaded last without a problem. */
export type SiteBundle = {config: Config; packs: Pack[]; waivers: Waiver[]; notes: string[]; digest: string};

/** Grows with every change of what is written; a bundle of another format is loaded anew. */
const format = 1;
const maxBytes = 64 * 1024 * 1024;

type Written = {format: number; reeve: string; digest: string; site: unknown};

/** SHA-256 over what a site is, hexadecimal: equal for files that say the same. */
const digestOf = (site: unknown): string => createHash('sha256').update(JSON.stringify(site)).digest('hex');

/** Writes a site so that {@link readBundle} gives it back. Throws when it cannot be written. */
export function writeBundle(path: string, reeve: string, site: Omit<SiteBundle, 'digest'>): SiteBundle {
  const written = toWritten(site);
  const digest = digestOf(written);
  writeAtomically(path, JSON.stringify({format, reeve, digest, site: written} satisfies Written));
  return {...site, digest};
}

/** {@link writeBundle}, unless what was written last says the same. Throws `REEVE_LOAD_FAILED` when it cannot be written. */
export async function keepBundle(
  host: Host,
  path: string,
  reeve: string,
  site: Omit<SiteBundle, 'digest'>,
): Promise<SiteBundle> {
  const last = await readBundle(host, path, reeve);
  if (last.ok && last.site.digest === digestOf(toWritten(site))) return last.site;
  try {
    return writeBundle(path, reeve, site);
  } catch (cause) {
    throw new ReeveError('REEVE_LOAD_FAILED', `cannot write "${path}": ${(cause as Error).message}`, {cause});
  }
}

const toWritten = (site: Omit<SiteBundle, 'digest'>) => ({
  ...site,
  packs: site.packs.map(pack => ({
    ...pack,
    rules: pack.rules.map(rule => ({...rule, check: nameKinds(rule.check)})),
  })),
});

/** What was written last, or why it cannot be used: absent, of another version, damaged, or somebody else's. */
export async function readBundle(
  host: Host,
  path: string,
  reeve: string,
): Promise<{ok: true; site: SiteBundle} | {ok: false; reason: string}> {
  const refuse = (reason: string) => ({ok: false as const, reason: `cannot use "${path}": ${reason}`});
  const file = await host.fs.readFile(path, {maxBytes, follow: false});
  if (!file.ok) return refuse(file.reason);
  const directory = await host.fs.stat(path.slice(0, path.lastIndexOf('/')) || '/');
  if (!directory.ok) return refuse(directory.reason);
  const wrong = whyUnsafe(host, file.value.stat) ?? whyUnsafe(host, directory.value, 'its directory: ');
  if (wrong !== null) return refuse(wrong);
  if (file.value.truncated) return refuse(`it is larger than ${maxBytes} bytes`);
  try {
    const written = JSON.parse(file.value.bytes.toString('utf8')) as Written;
    if (written.format !== format || written.reeve !== reeve)
      return refuse(
        `reeve ${written.reeve} wrote it in format ${written.format}, this is ${reeve} with format ${format}`,
      );
    if (digestOf(written.site) !== written.digest) return refuse('its content does not have its digest');
    return {ok: true, site: {...revive(written.site as WrittenSite), digest: written.digest}};
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

type WrittenNode = {kind: string; check: {[key: string]: never}} | {all: WrittenNode[]} | {any: WrittenNode[]};
type WrittenSite = Omit<SiteBundle, 'digest' | 'packs'> & {
  packs: Array<Omit<Pack, 'rules'> & {rules: Array<Omit<Rule, 'check'> & {check: WrittenNode}>}>;
};

function nameKinds(node: CheckNode): WrittenNode {
  if ('all' in node) return {all: node.all.map(nameKinds)};
  if ('any' in node) return {any: node.any.map(nameKinds)};
  return {kind: node.kind.name, check: node.check as {[key: string]: never}};
}

const revive = (site: WrittenSite): Omit<SiteBundle, 'digest'> => ({
  ...site,
  packs: site.packs.map(pack => ({
    ...pack,
    rules: pack.rules.map(rule => ({...rule, check: findKinds(rule.check)})),
  })),
});

function findKinds(node: WrittenNode): CheckNode {
  if ('all' in node) return {all: node.all.map(findKinds)};
  if ('any' in node) return {any: node.any.map(findKinds)};
  return {kind: kindOf(node.kind), check: node.check};
}

function kindOf(name: string): Kind {
  const kind = kindsByName.get(name);
  if (kind === undefined) throw new Error(`there is no kind "${name}"`);
  return kind;
}
