import type {MountFact} from '../../facts/mounts.ts';

/**
 * The mounts that a path can reach, by mount point: of several at one place the last, and none that another covers.
 * The kernel walks in the same way, from a mount to the one that stands on it.
 */
export function visibleMounts(mounts: readonly MountFact[]): Map<string, MountFact> {
  const ids = new Set(mounts.map(({id}) => id));
  const children = Map.groupBy(mounts, ({parent}) => parent);
  const visible = new Map<string, MountFact>();
  const waiting = mounts.filter(mount => !ids.has(mount.parent) || mount.parent === mount.id);
  const known = new Set<MountFact>(waiting);
  for (const start of waiting) {
    const top = topOf(start, children, known);
    visible.set(top.point, top);
    const below = (children.get(top.id) ?? []).filter(child => child.point !== top.point && !known.has(child));
    const points = new Set(below.map(({point}) => point));
    for (const child of below) {
      if (ancestors(child.point).some(path => points.has(path))) continue;
      known.add(child);
      waiting.push(child);
    }
  }
  return visible;
}

/** The last of the mounts that stand on one another at one point. */
function topOf(start: MountFact, children: Map<number, MountFact[]>, known: Set<MountFact>): MountFact {
  let top = start;
  for (;;) {
    const cover = children.get(top.id)?.findLast(child => child.point === top.point && !known.has(child));
    if (cover === undefined) return top;
    known.add(cover);
    top = cover;
  }
}

/** `/a` and `/a/b` of `/a/b/c`. */
function ancestors(path: string): string[] {
  const paths: string[] = [];
  for (let slash = path.indexOf('/', 1); slash > 0; slash = path.indexOf('/', slash + 1))
    paths.push(path.slice(0, slash));
  return paths;
}
