import {type Answer, absent, seen} from '../../../policies/facts/answer.ts';
import type {FileFact, FileFacts, FileRequest, FileStat} from '../../../policies/facts/file.ts';
import {expandPattern, hasPattern} from '../glob.ts';
import type {Host, HostStat} from '../host.ts';
import type {Collector} from './collector.ts';
import type {NameTables} from './tables.ts';

export const collectFile: Collector<'file'> = async (requests, {host, tables}) => {
  const names = await tables.names();
  return Promise.all(requests.map(request => lookUp(host, names, request)));
};

async function lookUp(host: Host, names: NameTables, request: FileRequest): Promise<Answer<FileFacts>> {
  if (!hasPattern(request.path)) {
    const fact = await lookAt(host, names, request, request.path);
    return fact === null ? absent(`${request.path} does not exist`, [request.path]) : seen([fact], [request.path]);
  }
  const {paths, unseen} = await expandPattern(host.fs, request.path);
  const facts = await Promise.all(paths.map(path => lookAt(host, names, request, path)));
  return seen(
    [...facts.filter(fact => fact !== null), ...unseen.map(({path, reason}) => ({path, unseen: reason}))],
    [request.path],
  );
}

async function lookAt(
  host: Host,
  names: NameTables,
  request: FileRequest,
  path: string,
): Promise<FileFacts[number] | null> {
  const stat = request.follow ? await host.fs.stat(path) : await host.fs.lstat(path);
  if (!stat.ok) return stat.code === 'absent' ? null : {path, unseen: stat.reason};
  const target = stat.value.type === 'link' ? await host.fs.readLink(path) : null;
  const fact: FileFact = {
    ...fileStat(path, stat.value, names),
    target: target?.ok ? target.value : null,
    content: null,
    parents: null,
    entries: null,
  };
  if (request.contentMaxBytes !== undefined && stat.value.type === 'file') {
    const file = await host.fs.readFile(path, {maxBytes: request.contentMaxBytes, follow: request.follow});
    fact.content = file.ok
      ? {state: 'seen', bytes: file.value.bytes, truncated: file.value.truncated}
      : {state: 'unseen', reason: file.reason};
  }
  if (request.entriesMax !== undefined && stat.value.type === 'directory') {
    const list = await host.fs.list(path, {max: request.entriesMax});
    fact.entries = list.ok ? {names: list.value.names.sort(), truncated: list.value.truncated} : {unseen: list.reason};
  }
  if (request.parents) {
    const parents = await lookAtParents(host, names, path);
    if (!Array.isArray(parents)) return {path, unseen: parents.reason};
    fact.parents = parents;
  }
  return fact;
}

/** The directories from `/` to the file, as the path without links has them. */
async function lookAtParents(host: Host, names: NameTables, path: string): Promise<FileStat[] | {reason: string}> {
  const directory = await host.fs.realPath(path.slice(0, path.lastIndexOf('/')) || '/');
  if (!directory.ok) return {reason: directory.reason};
  const parts = directory.value.split('/').filter(part => part !== '');
  const parents: FileStat[] = [];
  for (let depth = 0; depth <= parts.length; depth++) {
    const parent = `/${parts.slice(0, depth).join('/')}`;
    const stat = await host.fs.lstat(parent);
    if (!stat.ok) return {reason: stat.reason};
    parents.push(fileStat(parent, stat.value, names));
  }
  return parents;
}

export function fileStat(path: string, stat: HostStat, names: NameTables): FileStat {
  const {type, mode, uid, gid, links, size, modifiedMs} = stat;
  return {
    path,
    type,
    mode,
    uid,
    gid,
    owner: names.users.get(uid) ?? null,
    group: names.groups.get(gid) ?? null,
    links,
    size,
    modifiedAt: new Date(modifiedMs).toISOString(),
  };
}
