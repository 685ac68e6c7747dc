import {absent, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {ApparmorFact, ProfileOnDisk} from '../../../../policies/facts/apparmor.ts';
import type {Host} from '../../host.ts';
import {parseProfileFile} from './apparmor-profile.ts';

const folder = '/etc/apparmor.d';
const maxFiles = 5000;

/**
 * The profiles of the files directly in /etc/apparmor.d: folders hold parts for them. A file named in `disable/` is not
 * loaded, one in `force-complain/` in complain mode. The names that apparmor(7)'s scripts skip are skipped.
 */
export async function readProfilesOnDisk(host: Host): Promise<Pick<ApparmorFact, 'onDisk' | 'unreadable'>> {
  const list = await host.fs.list(folder, {max: maxFiles});
  if (!list.ok)
    return {
      onDisk: list.code === 'absent' ? absent(`${folder} does not exist`, [folder]) : unseen(list.reason),
      unreadable: [],
    };
  if (list.value.truncated) return {onDisk: unseen(`${folder} has more than ${maxFiles} entries`), unreadable: []};
  const [disabled, complain] = [await names(host, `${folder}/disable`), await names(host, `${folder}/force-complain`)];
  if (!Array.isArray(disabled)) return {onDisk: unseen(disabled.reason), unreadable: []};
  if (!Array.isArray(complain)) return {onDisk: unseen(complain.reason), unreadable: []};
  const profiles: ProfileOnDisk[] = [];
  const unreadable: string[] = [];
  for (const name of list.value.names.filter(isProfileFile).sort()) {
    const path = `${folder}/${name}`;
    const file = await host.fs.readFile(path);
    if (!file.ok) {
      if (file.code !== 'absent' && !file.reason.includes('it is a directory')) unreadable.push(file.reason);
      continue;
    }
    if (file.value.truncated) unreadable.push(`cannot read all of ${path}: it is too large`);
    const override = disabled.includes(name)
      ? ('disabled' as const)
      : complain.includes(name)
        ? ('complain' as const)
        : null;
    for (const profile of parseProfileFile(file.value.bytes.toString('utf8'))) {
      const mode = override ?? profile.mode;
      profiles.push({name: profile.name, attach: profile.attach, mode, where: `${path}:${profile.line}`});
    }
  }
  return {onDisk: seen(profiles, [folder]), unreadable};
}

async function names(host: Host, path: string): Promise<string[] | {reason: string}> {
  const list = await host.fs.list(path, {max: maxFiles});
  if (list.ok) return list.value.names;
  return list.code === 'absent' ? [] : {reason: list.reason};
}

const skippedEnds = [
  '.dpkg-new',
  '.dpkg-old',
  '.dpkg-dist',
  '.dpkg-bak',
  '.dpkg-remove',
  '.pacsave',
  '.pacnew',
  '.rpmnew',
  '.rpmsave',
  '.orig',
  '.rej',
  '~',
];
const isProfileFile = (name: string) =>
  !name.startsWith('.') && name !== 'README' && !skippedEnds.some(end => name.endsWith(end));
