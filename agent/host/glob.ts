import {type WildcardOptions, wildcard} from '../../policies/pattern.ts';
import type {HostFs} from './host.ts';

export const hasPattern = (path: string, {brackets = false}: WildcardOptions = {}): boolean =>
  (brackets ? /[*?[]/ : /[*?]/).test(path);

const maxMatches = 10_000;

/**
 * The existing paths that a pattern stands for, sorted. `*` and `?` match within one component and never a leading
 * dot, as in glob(7); brackets count only when asked for. Directories that could not be listed are named in `unseen`.
 */
export async function expandPattern(
  fs: HostFs,
  pattern: string,
  options: WildcardOptions = {},
): Promise<{paths: string[]; unseen: Array<{path: string; reason: string}>}> {
  const unseen: Array<{path: string; reason: string}> = [];
  let paths = [''];
  for (const part of pattern.split('/').filter(piece => piece !== '')) {
    if (!hasPattern(part, options)) {
      paths = paths.map(path => `${path}/${part}`);
      continue;
    }
    const matches = patternTest(part, options);
    const next: string[] = [];
    for (const path of paths) {
      const list = await fs.list(path || '/');
      if (list.ok) next.push(...list.value.names.filter(matches).map(name => `${path}/${name}`));
      else if (list.code !== 'absent') unseen.push({path: path || '/', reason: list.reason});
      if (list.ok && list.value.truncated)
        unseen.push({
          path: path || '/',
          reason: `cannot list all of ${path || '/'}: it has more than ${list.value.names.length} entries`,
        });
      if (next.length > maxMatches) {
        unseen.push({path: pattern, reason: `${pattern} matches more than ${maxMatches} paths`});
        break;
      }
    }
    paths = next.slice(0, maxMatches);
  }
  const existing: string[] = [];
  for (const path of paths) {
    const stat = await fs.lstat(path);
    if (stat.ok) existing.push(path);
    else if (stat.code !== 'absent') unseen.push({path, reason: stat.reason});
  }
  return {paths: existing.sort(), unseen};
}

/** Whether one name matches one pattern component. */
export function patternTest(pattern: string, options: WildcardOptions = {}): (name: string) => boolean {
  const matches = wildcard(pattern, options);
  return name => (pattern.startsWith('.') || !name.startsWith('.')) && matches(name);
}
