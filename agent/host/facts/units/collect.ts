import {type Answer, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {UnitFact, UnitsFact} from '../../../../policies/facts/units.ts';
import type {Host} from '../../host.ts';
import {type Look, looked} from '../../look.ts';
import {single} from '../collector.ts';
import {once} from '../once.ts';
import {readLiveUnits} from './live.ts';
import {unitState} from './state.ts';
import {readInitScripts} from './sysv.ts';
import {readUnitTree, type UnitTree} from './tree.ts';

/** Every unit that a file, a link or an init script names, and what runs. */
export const readUnits = once(async (looking): Promise<Answer<UnitsFact>> => {
  const {host} = looking;
  const tree = await readUnitTree(looking);
  if (!tree.ok) return unseen(tree.reason);
  const units = await readStates(host, tree.value);
  if (!units.ok) return unseen(units.reason);
  const where = tree.value.directories.map(({path}) => path);
  return seen({units: units.value, live: await readLiveUnits(host)}, where);
});

export const collectUnits = single<'units'>(readUnits);

async function readStates(host: Host, tree: UnitTree): Promise<Look<UnitFact[]>> {
  const names = new Set(tree.directories.flatMap(({entries, wants}) => [...entries.keys(), ...wants.keys()]));
  const units = new Map<string, UnitFact>();
  for (const name of [...names].sort()) {
    const unit = await unitState(host, tree, name);
    if (unit !== null) units.set(name, unit);
  }
  const scripts = await readInitScripts(host);
  if (!scripts.ok) return scripts;
  for (const [name, {path, links}] of scripts.value) {
    const unit = units.get(name);
    if (unit !== undefined && unit.state !== 'generated') continue;
    units.set(name, {name, state: 'generated', reason: '', aliasOf: null, path, links, sysv: true});
  }
  return looked([...units.values()]);
}
