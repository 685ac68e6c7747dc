import type {CheckNode, Rule} from '../../policies/pack.ts';
import {configPath, loadConfig} from '../config/load.ts';
import {ReeveError} from '../errors.ts';
import {attestationsName} from '../host/facts/attestations.ts';
import type {Host} from '../host/host.ts';
import {countAttestations, loadSite, packKeysPath} from '../packs/load.ts';
import {keepBundle, readBundle, type SiteBundle} from './bundle.ts';
import type {CheckerEvent, CheckerJob, KnownRule, LoadedSite, RefusedSite} from './messages.ts';
import {watchPaths} from './watch-paths.ts';

/** Rules that walk trees may take so many times the budget of the others. */
const treeBudget = 10;

/** Loads what the site is made of and writes the bundle; tells what came of it. */
export async function load(
  host: Host,
  reeve: string,
  {config: path, bundle}: Extract<CheckerJob, {job: 'load'}>,
  tell: (event: CheckerEvent) => void,
): Promise<void> {
  let site = [path ?? configPath];
  try {
    const {config, note} = await loadConfig(host, path);
    site = await sitePaths(host, config.policies_dir, path);
    const {packs, waivers, notes} = await loadSite(host, config);
    await countAttestations(host, config.policies_dir);
    const all = note === null || note.includes('does not exist') ? [...notes] : [note, ...notes];
    const aside = Object.keys(config.checks.packs).filter(name => !packs.some(pack => pack.name === name));
    for (const name of aside) all.push(`agent.yaml has a schedule for the pack "${name}", which is not loaded`);
    tell(loaded(await keepBundle(host, bundle, reeve, {config, packs, waivers, notes: all}), site));
  } catch (error) {
    tell(refused(error, site));
    const last = await readBundle(host, bundle, reeve);
    if (last.ok) tell(loaded(last.site, await sitePaths(host, last.site.config.policies_dir, path)));
  }
}

/** Tells what was loaded last, or that it cannot be used. */
export async function tellLast(
  host: Host,
  reeve: string,
  {config: path, bundle}: Extract<CheckerJob, {job: 'last'}>,
  tell: (event: CheckerEvent) => void,
): Promise<void> {
  const last = await readBundle(host, bundle, reeve);
  if (last.ok) tell(loaded(last.site, await sitePaths(host, last.site.config.policies_dir, path)));
  else tell(refused(new ReeveError('REEVE_BUNDLE_UNUSABLE', last.reason), []));
}

/** The files and folders that a site is made of, beside the packs that ship. */
async function sitePaths(host: Host, policies: string, path: string | null): Promise<string[]> {
  const list = await host.fs.list(policies, {max: 1000});
  const names = list.ok ? list.value.names : [];
  const folders: string[] = [];
  for (const name of names) {
    const stat = await host.fs.lstat(`${policies}/${name}`);
    if (stat.ok && stat.value.type === 'directory') folders.push(`${policies}/${name}/`);
  }
  return [path ?? configPath, packKeysPath, policies, `${policies}/`, ...folders.sort()];
}

/** A failure as the daemon hears of it. What is no `ReeveError` is one of ours or of the disk's. */
export function refused(error: unknown, site: string[]): RefusedSite {
  const known = error instanceof ReeveError ? error : null;
  const message = error instanceof Error ? error.message : String(error);
  const problems = (known?.problems ?? []).map(problem => ({
    path: problem.path.slice(0, 4200),
    line: problem.line,
    column: problem.column,
    message: problem.message.slice(0, 2000),
    code: problem.code,
  }));
  return {event: 'refused', code: known?.code ?? 'REEVE_BUG', message: message.slice(0, 2000), problems, site};
}

const usesTree = (node: CheckNode): boolean =>
  'all' in node ? node.all.some(usesTree) : 'any' in node ? node.any.some(usesTree) : node.kind.name === 'tree';

function loaded({config, packs, notes, digest}: SiteBundle, site: string[]): LoadedSite {
  const budgetMs = config.checks.rule_budget_seconds * 1000;
  const attestations = `${config.policies_dir}/${attestationsName}`;
  const known = (rule: Rule): KnownRule => ({
    id: rule.id,
    pack: rule.pack,
    severity: rule.severity,
    title: rule.title.slice(0, 300),
    why: rule.why.slice(0, 4096),
    budgetMs: usesTree(rule.check) ? budgetMs * treeBudget : budgetMs,
    watch: watchPaths(rule, attestations),
  });
  return {
    event: 'loaded',
    digest,
    packs: packs.map(({name, version, title, digest}) => ({name, version, title, digest})),
    rules: packs.flatMap(({rules}) => rules.map(known)),
    checks: {
      schedule: config.checks.schedule,
      packs: config.checks.packs,
      splayMinutes: config.checks.splay_minutes,
      watch: config.checks.watch,
    },
    site,
    notes: notes.map(note => note.slice(0, 2000)),
    link: {proxy: config.link.proxy ?? null, tlsEndsAtProxy: config.link.tls_ends_at_proxy ?? false},
  };
}
