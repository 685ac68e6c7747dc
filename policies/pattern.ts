type Token =
  | {kind: 'star'}
  | {kind: 'any'}
  | {kind: 'one'; character: string}
  | {kind: 'set'; negated: boolean; ranges: Array<[string, string]>};

export type WildcardOptions = {
  /** `[a-z]` and `[!a-z]` as in glob(7); otherwise a bracket stands for itself. Default false. */
  brackets?: boolean;
  /** `\x` stands for x. Default false. */
  escapes?: boolean;
};

/**
 * Matches `*` and `?` against the whole of a text, in time that grows with the product of both lengths at most: patterns
 * come from the host, and a regular expression made of them could be made to run for years.
 */
export function wildcard(pattern: string, options: WildcardOptions = {}): (text: string) => boolean {
  const tokens = tokenise([...pattern], options);
  return text => matches(tokens, [...text]);
}

/** Whether `*` (any run) and `?` (any one character) in `pattern` cover the whole of `text`. */
export const matchesPattern = (pattern: string, text: string): boolean => wildcard(pattern)(text);

/** As {@link matchesPattern}, component by component: no `*` reaches over a `/`. */
export function matchesPath(pattern: string, path: string): boolean {
  const [wanted, found] = [pattern.split('/'), path.split('/')];
  return wanted.length === found.length && wanted.every((part, index) => matchesPattern(part, found[index] as string));
}

/** fnmatch(3) without flags: brackets and escapes count, a slash and a leading dot are as other characters. */
export const matchesGlob = (pattern: string, text: string): boolean =>
  wildcard(pattern, {brackets: true, escapes: true})(text);

function matches(tokens: Token[], text: string[]): boolean {
  let at = 0;
  let token = 0;
  let starToken = -1;
  let starAt = 0;
  while (at < text.length) {
    const wanted = tokens[token];
    if (wanted?.kind === 'star') {
      starToken = token++;
      starAt = at;
    } else if (wanted !== undefined && fits(wanted, text[at] as string)) {
      token++;
      at++;
    } else if (starToken >= 0) {
      token = starToken + 1;
      at = ++starAt;
    } else return false;
  }
  while (tokens[token]?.kind === 'star') token++;
  return token === tokens.length;
}

function fits(token: Token, character: string): boolean {
  switch (token.kind) {
    case 'one':
      return token.character === character;
    case 'set':
      return token.ranges.some(([first, last]) => first <= character && character <= last) !== token.negated;
    default:
      return token.kind === 'any';
  }
}

function tokenise(pattern: string[], {brackets = false, escapes = false}: WildcardOptions): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] as string;
    const next = pattern[at + 1];
    if (character === '*') {
      if (tokens.at(-1)?.kind !== 'star') tokens.push({kind: 'star'});
    } else if (character === '?') tokens.push({kind: 'any'});
    else if (character === '\\' && escapes && next !== undefined) {
      tokens.push({kind: 'one', character: next});
      at++;
    } else {
      const set = character === '[' && brackets ? readSet(pattern, at) : null;
      tokens.push(set?.token ?? {kind: 'one', character});
      at = set?.end ?? at;
    }
  }
  return tokens;
}

/** The bracket expression that begins at `start`, or null when it is never closed and the bracket stands for itself. */
function readSet(pattern: string[], start: number): {token: Token; end: number} | null {
  const negated = pattern[start + 1] === '!' || pattern[start + 1] === '^';
  const first = start + (negated ? 2 : 1);
  const ranges: Array<[string, string]> = [];
  for (let at = first; at < pattern.length; at++) {
    const from = pattern[at] as string;
    if (from === ']' && at > first) return {token: {kind: 'set', negated, ranges}, end: at};
    const to = pattern[at + 2];
    const isRange = pattern[at + 1] === '-' && to !== undefined && to !== ']';
    ranges.push([from, isRange ? to : from]);
    if (isRange) at += 2;
  }
  return null;
}
