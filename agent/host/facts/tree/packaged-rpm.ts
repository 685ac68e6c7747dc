import type {TreeEntry} from '../../../../policies/facts/tree.ts';
import {looked} from '../../look.ts';
import {findRpmDatabase, readRpmHeaders} from '../rpm/database.ts';
import {type RpmHeader, rpmTag} from '../rpm/header.ts';
import {merged, type Packaged, type PackageJudge} from './packaged.ts';

/** RPMTAG_FILECAPS of rpm's rpmtag.h: capability text, empty for files without. */
const fileCapabilities = 5010;
const pathsAtOnce = 100;

type Recorded = {name: string; mode: number; owner: string; group: string; capabilities: string};

/** rpm keeps mode, owner and capabilities of every file: an entry is as packaged when all are as they came. */
export const judgeByRpm: PackageJudge = async (host, entries) => {
  const database = await findRpmDatabase(host);
  if (database.state === 'absent') return null;
  if (database.state !== 'seen') return {ok: false, code: 'io', reason: database.reason};
  const packaged = new Map<string, Packaged>();
  const note = (path: string, recorded: Recorded) => {
    const entry = entries.get(merged(path));
    if (entry !== undefined && !packaged.get(merged(path))?.asPackaged)
      packaged.set(merged(path), compare(entry, recorded));
  };
  if (database.value.format !== 'sqlite') {
    const paths = [...entries.values()].map(({path}) => path);
    for (let at = 0; at < paths.length; at += pathsAtOnce) {
      const answer = await host.run(['/usr/bin/rpm', '-qf', '--qf', query, ...paths.slice(at, at + pathsAtOnce)], {
        maxBytes: 16 * 1024 * 1024,
      });
      // Files that no package owns make rpm end with their number, and it names them where an answer would stand.
      if (answer.exitCode === null) return {ok: false, code: 'unsupported', reason: answer.reason};
      for (const [path, recorded] of parseAnswer(answer.stdout)) note(path, recorded);
    }
    return looked(packaged);
  }
  const names = new Set([...entries.keys()].map(path => path.slice(path.lastIndexOf('/') + 1)));
  const look = await readRpmHeaders(host, database.value.path, header => {
    for (const [path, recorded] of recordedFiles(header, names)) note(path, recorded);
  });
  return look.ok ? looked(packaged) : look;
};

function* recordedFiles(header: RpmHeader, names: ReadonlySet<string>): Generator<[string, Recorded]> {
  const baseNames = header.texts(rpmTag.baseNames);
  if (!baseNames.some(name => names.has(name))) return;
  const lists = {
    directories: header.texts(rpmTag.dirNames),
    indexes: header.numbers(rpmTag.dirIndexes),
    modes: header.numbers(rpmTag.fileModes),
    users: header.texts(rpmTag.fileUsers),
    groups: header.texts(rpmTag.fileGroups),
    capabilities: header.texts(fileCapabilities),
  };
  for (const [index, base] of baseNames.entries()) {
    if (!names.has(base)) continue;
    const recorded = {
      name: header.text(rpmTag.name) ?? '',
      mode: (lists.modes[index] ?? 0) & 0o7777,
      owner: lists.users[index] ?? '',
      group: lists.groups[index] ?? '',
      capabilities: lists.capabilities[index] ?? '',
    };
    yield [`${lists.directories[lists.indexes[index] ?? -1] ?? ''}${base}`, recorded];
  }
}

const query = '[%{FILENAMES}\\t%{=NAME}\\t%{FILEMODES}\\t%{FILEUSERNAME}\\t%{FILEGROUPNAME}\\t%{FILECAPS}\\n]';

function parseAnswer(text: string): Array<[string, Recorded]> {
  return text.split('\n').flatMap((line): Array<[string, Recorded]> => {
    const [path, name, mode, owner, group, capabilities] = line.split('\t');
    if (capabilities === undefined || !/^-?\d+$/.test(mode as string)) return [];
    const recorded = {
      name: name as string,
      mode: Number(mode) & 0o7777,
      owner: owner as string,
      group: group as string,
      capabilities,
    };
    return [[path as string, recorded]];
  });
}

function compare(entry: TreeEntry, {name, mode, owner, group, capabilities}: Recorded): Packaged {
  const sameOwner = entry.owner === owner && entry.group === group;
  const sameCapabilities = entry.capabilities === null || plain(entry.capabilities) === plain(capabilities);
  const wanted = `${owner}:${group} ${mode.toString(8).padStart(4, '0')}${plain(capabilities) === '' ? '' : ` ${capabilities}`}`;
  return {
    asPackaged: mode === entry.mode && sameOwner && sameCapabilities,
    note: `package ${name} brings it as ${wanted}`,
  };
}

/** `cap_net_raw+ep`, `= cap_net_raw+ep` and `cap_net_raw=ep` say the same; so do flags in any order. */
function plain(capabilities: string): string {
  return capabilities
    .replace('(none)', '')
    .split(/\s+/)
    .filter(group => group !== '=' && group !== '')
    .map(group => {
      const [names = '', flags = ''] = group.split(/[=+]/);
      return `${names.split(',').sort().join(',')}=${[...flags].sort().join('')}`;
    })
    .sort()
    .join(' ');
}
