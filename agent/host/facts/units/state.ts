import type {UnitFact, UnitState} from '../../../../policies/facts/units.ts';
import type {Host} from '../../host.ts';
import {discover} from './discover.ts';
import {defaultName, type Install, readInstall} from './file.ts';
import {baseName, directoryName, isInstance} from './names.ts';
import type {UnitDirectory, UnitTree} from './tree.ts';

/** What `systemctl is-enabled` says of a name, or null when there is no such unit. */
export async function unitState(host: Host, tree: UnitTree, name: string): Promise<UnitFact | null> {
  const found = await discover(host, tree, name);
  if (found.found === 'missing') return null;
  const links = wantLinks(tree, name);
  const fact = (state: UnitState, over: Partial<UnitFact> = {}): UnitFact => ({
    name,
    state,
    reason: '',
    aliasOf: null,
    path: found.path,
    links,
    sysv: false,
    ...over,
  });
  if (found.found === 'bad' || found.found === 'unseen') return fact(found.found, {reason: found.reason});
  const directory = tree.directories.find(({path}) => path === directoryName(found.path));
  if (found.found === 'masked') return fact(found.path.startsWith('/run/') ? 'masked-runtime' : 'masked');
  if (baseName(found.path) !== name && !isInstance(found.name)) return fact('alias', {aliasOf: found.name});
  const aliasOf = found.name === name ? null : found.name;
  if (directory?.role === 'generator') return fact('generated', {aliasOf});
  if (directory?.role === 'transient') return fact('transient', {aliasOf});
  const install = await readInstall(host, tree, found);
  const unit = {name: found.name, path: found.path, install: install.ok ? install.value : null};
  const known = stateByLinks(tree, unit, true);
  if (known !== null) return fact(known, {aliasOf});
  if (!install.ok) return fact('unseen', {reason: install.reason, aliasOf});
  if (stateByLinks(tree, unit, false) !== null) return fact('indirect', {aliasOf});
  return fact(install.value.wanted ? 'disabled' : install.value.also ? 'indirect' : 'static', {aliasOf});
}

type Unit = {name: string; path: string; install: Install | null};

/**
 * The state that links to a unit give it, or null when there are none. With `byKnownName` only links count whose name
 * is the unit's or stands in [Install]. The steps are those of find_symlinks_in_scope() in systemd's install code.
 */
function stateByLinks(tree: UnitTree, unit: Unit, byKnownName: boolean): UnitState | null {
  let runtime = false;
  let vendor = false;
  let sameName: UnitState | null = null;
  let below = false;
  for (const directory of tree.directories) {
    const link = findLink(directory, unit, byKnownName, below);
    if (link === 'other-name' && directory.role === 'config') return 'enabled';
    if (link === 'other-name' && directory.runtime) runtime = true;
    else if (link === 'other-name') vendor = true;
    else if (link === 'same-name' && directory.role === 'config') sameName = 'linked';
    else if (link === 'same-name' && directory.runtime) sameName ??= 'linked-runtime';
    below ||= unit.path.startsWith(`${directory.path}/`);
  }
  if (runtime) return 'enabled-runtime';
  if (vendor && isInstance(unit.name)) return 'static';
  return sameName;
}

function findLink(
  directory: UnitDirectory,
  unit: Unit,
  byKnownName: boolean,
  below: boolean,
): 'other-name' | 'same-name' | null {
  const counts = (name: string) => !byKnownName || isKnownName(unit, name);
  if (directory.wants.has(unit.name)) return 'other-name';
  if ([...(directory.wantedTemplates.get(unit.name) ?? [])].some(counts)) return 'other-name';
  let sameName = false;
  for (const name of directory.linksTo.get(unit.name) ?? []) {
    if (name !== unit.name || below) {
      if (counts(name)) return 'other-name';
    } else sameName = true;
  }
  const own = directory.entries.get(unit.name);
  if (!below && own?.type === 'link' && baseName(own.written) !== unit.name) return 'other-name';
  return sameName ? 'same-name' : null;
}

function isKnownName({name, install}: Unit, link: string): boolean {
  if (link === name) return true;
  return install !== null && (install.aliases.includes(link) || defaultName(name, install) === link);
}

/** Every link that starts the unit, the vendor's too. A template is started by its instances' links. */
function wantLinks(tree: UnitTree, name: string): string[] {
  return tree.directories.flatMap(directory => {
    const names = [name, ...(directory.wantedTemplates.get(name) ?? [])];
    return names.flatMap(wanted => directory.wants.get(wanted) ?? []);
  });
}
