import {absent, seen, unseen} from '../../../../policies/facts/answer.ts';
import {single} from '../collector.ts';
import {readUnitTree} from '../units/tree.ts';
import {parseFstab} from './parse.ts';
import {applyMountUnits} from './units.ts';

const path = '/etc/fstab';

export const collectFstab = single<'fstab'>(async looking => {
  const {host} = looking;
  const file = await host.fs.readFile(path);
  if (!file.ok && file.code !== 'absent') return unseen(file.reason);
  if (file.ok && file.value.truncated) return unseen(`cannot read ${path}: it is too large`);
  const lines = file.ok ? parseFstab(file.value.bytes, path) : [];
  const tree = await readUnitTree(looking);
  if (!tree.ok) return unseen(tree.reason);
  const entries = await applyMountUnits(host, tree.value, lines);
  if (!entries.ok) return unseen(entries.reason);
  if (!file.ok && entries.value.length === 0)
    return absent(`there is no ${path} and no mount unit that is enabled`, [path]);
  return seen(entries.value, [path]);
});
