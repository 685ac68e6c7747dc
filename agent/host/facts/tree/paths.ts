import {wildcard} from '../../../../policies/pattern.ts';

export type PathTest = (path: string) => boolean;

/** Whether a path is one of these, or matches a pattern of theirs as a whole; `*` and `?` stay within a component. */
export function pathTest(patterns: readonly string[]): PathTest {
  const plain = new Set(patterns.filter(pattern => !/[*?]/.test(pattern)).map(trim));
  const wild = patterns.filter(pattern => /[*?]/.test(pattern)).map(compile);
  if (wild.length === 0) return path => plain.has(path);
  return path => plain.has(path) || wild.some(matches => matches(path));
}

const trim = (path: string) => (path.length > 1 ? path.replace(/\/+$/, '') : path);

function compile(pattern: string): PathTest {
  const parts = trim(pattern)
    .split('/')
    .map(part => (/[*?]/.test(part) ? wildcard(part) : (name: string) => name === part));
  return path => {
    const names = path.split('/');
    return names.length === parts.length && parts.every((matches, index) => matches(names[index] as string));
  };
}

export const isBelow = (path: string, directory: string): boolean =>
  directory === '/' ? path !== '/' : path.startsWith(directory) && path[directory.length] === '/';

/** Whether a path or a directory above it matches. */
export function isUnder(path: string, test: PathTest): boolean {
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) if (test(path.slice(0, end))) return true;
  return false;
}
