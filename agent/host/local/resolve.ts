import {closeSync, constants, fstatSync, openSync, readlinkSync, type Stats} from 'node:fs';
import {decodeName, encodePath} from '../names.ts';

/** open(2): a handle on the entry itself, with no access to its content. Not in Node's constants; the same on all Linux. */
export const O_PATH = 0o10000000;
const maxLinks = 40;

export type Opened = {fd: number; stats: Stats; path: string};

/**
 * Opens the entry that an absolute path leads to inside `root`, component by component, each relative to the one
 * before through its descriptor, so that nobody can swap a directory for a link under us and lead us out. Links are
 * followed by hand, inside the root; the last one only with `follow`. Throws Node's errors.
 * `path` is where it led, inside the root. The caller closes `fd`. Source: path_resolution(7), openat2(2) RESOLVE_IN_ROOT.
 *
 * `before` is asked before each component is touched, with its path on this machine.
 */
export function openInRoot(root: string, path: string, follow: boolean, before?: (path: string) => void): Opened {
  const rootFd = openSync(root, O_PATH | constants.O_DIRECTORY);
  const trail: Array<{fd: number; name: string}> = [];
  const close = () => {
    for (const {fd} of trail.splice(0)) closeSync(fd);
  };
  try {
    const rest = path.split('/').filter(part => part !== '' && part !== '.').reverse();
    let links = 0;
    let last: Opened | null = null;
    while (rest.length > 0) {
      const name = rest.pop() as string;
      if (name === '..') {
        const dropped = trail.pop();
        if (dropped !== undefined) closeSync(dropped.fd);
        continue;
      }
      const parent = trail.at(-1)?.fd ?? rootFd;
      const here = `/${[...trail.map(step => step.name), name].join('/')}`;
      before?.(root === '/' ? here : root + here);
      const fd = openSync(encodePath(`/proc/self/fd/${parent}/${name}`), O_PATH | constants.O_NOFOLLOW);
      const stats = fstatSync(fd);
      if (stats.isSymbolicLink() && (follow || rest.length > 0)) {
        const target = readLinkFd(parent, name);
        closeSync(fd);
        if (++links > maxLinks) throw Object.assign(new Error('too many links'), {code: 'ELOOP'});
        if (target.startsWith('/')) close();
        rest.push(...target.split('/').filter(part => part !== '' && part !== '.').reverse());
        continue;
      }
      if (rest.length === 0) {
        last = {fd, stats, path: here};
        break;
      }
      trail.push({fd, name});
      if (!stats.isDirectory()) throw Object.assign(new Error('not a directory'), {code: 'ENOTDIR'});
    }
    return last ?? reopen(trail.at(-1)?.fd ?? rootFd, `/${trail.map(step => step.name).join('/')}`);
  } finally {
    close();
    closeSync(rootFd);
  }
}

function reopen(fd: number, path: string): Opened {
  const own = openSync(`/proc/self/fd/${fd}`, O_PATH);
  return {fd: own, stats: fstatSync(own), path};
}

/** The target of a link, relative to its directory's descriptor. */
export function readLinkFd(parent: number, name: string): string {
  return decodeName(readlinkSync(encodePath(`/proc/self/fd/${parent}/${name}`), {encoding: 'buffer'}));
}
