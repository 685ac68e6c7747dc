import type {DirectFs} from '../direct.ts';
import type {HostStat} from '../host.ts';
import {failed} from '../look.ts';
import {parseMountinfo, servedBy} from '../mountinfo.ts';
import {defaultWalkLimits, type WalkEntry, type WalkLimits, type WalkVisitor} from '../walk.ts';

/** Walks a written-down tree through its own looks, so that owners, modes and errors hold here too. */
export function walkMemory<C>(
  fs: DirectFs,
  live: boolean,
  path: string,
  visitor: WalkVisitor<C>,
  limits: WalkLimits = {},
): {entries: number} {
  const {maxEntries} = {...defaultWalkLimits, ...limits};
  const mounts = mountTypes(fs, live);
  let entries = 0;
  const pass = (child: string, name: string, context: C): void => {
    const fstype = mounts.get(child);
    const by = fstype === undefined ? 'local' : servedBy(fstype);
    if (by === 'elsewhere') {
      visitor.leftOut(child, fstype as string, context);
      return;
    }
    entries++;
    const stat = fs.lstat(child);
    if (!stat.ok) {
      visitor.notSeen(child, stat.reason, context);
      return;
    }
    visitor.visit(entryOf(fs, child, name, stat.value), context);
    if (stat.value.type === 'directory' && by === 'local') enter(child, context);
  };
  const enter = (directory: string, above: C | null): void => {
    const context = visitor.enter(directory, above, []);
    if (context === null) return;
    const list = fs.list(directory, {max: Number.MAX_SAFE_INTEGER});
    if (!list.ok) {
      visitor.notSeen(directory, list.reason, context);
      return;
    }
    for (const name of list.value.names) {
      if (entries >= maxEntries) {
        const reason = `cannot walk the rest of ${directory}: the walk ended after ${maxEntries} entries`;
        visitor.notSeen(directory, reason, context);
        return;
      }
      pass(`${directory === '/' ? '' : directory}/${name}`, name, context);
    }
  };
  const real = fs.realPath(path);
  if (real.ok) enter(real.value, null);
  else visitor.notSeen(path, real.reason, null);
  return {entries};
}

/** What the fixture's /proc/self/mountinfo says; a machine without one has at least what every machine has. */
function mountTypes(fs: DirectFs, live: boolean): Map<string, string> {
  const file = fs.readFile('/proc/self/mountinfo');
  if (file.ok) return new Map(parseMountinfo(file.value.bytes).map(({point, fstype}) => [point, fstype]));
  const kernel: Array<[string, string]> = [
    ['/proc', 'proc'],
    ['/sys', 'sysfs'],
    ['/dev', 'devtmpfs'],
  ];
  return new Map(live ? kernel : []);
}

function entryOf(fs: DirectFs, path: string, name: string, stat: HostStat): WalkEntry {
  return {
    ...stat,
    name,
    path: () => path,
    readStart: maxBytes => {
      const file = fs.readFile(path, {maxBytes, follow: false});
      if (stat.type !== 'file')
        return failed('wrong-type', `cannot read ${path}: it is a ${stat.type}, not a regular file`);
      return file.ok ? {ok: true, value: file.value.bytes} : file;
    },
    readXattr: attribute => fs.readXattr(path, attribute),
  };
}
