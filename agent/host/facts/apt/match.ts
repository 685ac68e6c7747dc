import {matchesGlob} from '../../../../policies/pattern.ts';

/**
 * How apt compares what preferences say with names and Release fields: fnmatch(3) without regard to case, or an
 * extended regular expression between slashes. Null for an expression that is not followed here.
 */
export function expressionTest(pattern: string): ((text: string) => boolean) | null {
  if (pattern.length < 2 || !pattern.startsWith('/') || !pattern.endsWith('/'))
    return text => matchesGlob(pattern.toLowerCase(), text.toLowerCase());
  const source = pattern.slice(1, -1);
  if (!isSimple(source)) return null;
  try {
    const expression = new RegExp(source, 'i');
    return text => expression.test(text.slice(0, 512));
  } catch {
    return null;
  }
}

/**
 * How apt compares versions: the whole text, the beginning of it where the pattern ends in `*`, or else as an expression
 * without that star. So `1.2*` is 1.2 and what begins so, but `*deb12*` is only what ends in deb12.
 */
export function versionTest(pattern: string): ((text: string) => boolean) | null {
  const isPrefix = pattern.endsWith('*');
  const plain = isPrefix ? pattern.slice(0, -1) : pattern;
  const expression = expressionTest(plain);
  const lower = plain.toLowerCase();
  const begins = (text: string) => (isPrefix ? text.toLowerCase().startsWith(lower) : text.toLowerCase() === lower);
  return expression === null ? null : text => begins(text) || expression(text);
}

/**
 * Expressions that mean the same in POSIX and here, and that cannot run away: no escapes but of punctuation, no classes
 * by name, no counted repeats, at most three repeats and none of them of a group.
 */
function isSimple(source: string): boolean {
  if (source.length > 200 || /\\[A-Za-z0-9]|\[[:.=]|[{}]|\(\?|\)[*+?]|[*+?]{2}/.test(source)) return false;
  return (source.match(/[*+?]/g) ?? []).length <= 3;
}
