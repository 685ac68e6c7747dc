/**
 * fnmatch(3) without flags: `*`, `?`, `[a-z]`, `[!a-z]`, `\\`; a slash and a leading dot are as other characters. Its
 * time is bounded by the product of both lengths.
 */
export function globMatches(pattern: string, given: string): boolean {
  const wanted = tokens(pattern);
  let [at, index] = [0, 0];
  let star: {at: number; index: number} | null = null;
  while (index < given.length) {
    const token = wanted[at];
    if (token === '*') {
      star = {at, index};
      at++;
    } else if (token !== undefined && accepts(token, given[index] as string)) {
      at++;
      index++;
    } else if (star !== null) {
      at = star.at + 1;
      index = ++star.index;
    } else return false;
  }
  while (wanted[at] === '*') at++;
  return at === wanted.length;
}

type Token = '*' | '?' | {character: string} | {negated: boolean; ranges: Array<[string, string]>};

function accepts(token: Token, character: string): boolean {
  if (token === '*' || token === '?') return true;
  if ('character' in token) return token.character === character;
  return token.ranges.some(([low, high]) => low <= character && character <= high) !== token.negated;
}

function tokens(pattern: string): Token[] {
  const found: Token[] = [];
  for (let index = 0; index < pattern.length; index++) {
    const character = pattern[index] as string;
    if (character === '*' || character === '?') found.push(character);
    else if (character === '\\' && index + 1 < pattern.length) found.push({character: pattern[++index] as string});
    else if (character === '[') {
      const end = pattern.indexOf(']', index + (/[!^]/.test(pattern[index + 1] ?? '') ? 3 : 2));
      if (end < 0) found.push({character});
      else {
        found.push(bracket(pattern.slice(index + 1, end)));
        index = end;
      }
    } else found.push({character});
  }
  return found;
}

function bracket(content: string): Token {
  const negated = /^[!^]/.test(content);
  const members = [...(negated ? content.slice(1) : content)];
  const ranges: Array<[string, string]> = [];
  for (let index = 0; index < members.length; index++) {
    const low = members[index] as string;
    const isRange = members[index + 1] === '-' && index + 2 < members.length;
    ranges.push([low, isRange ? (members[index + 2] as string) : low]);
    if (isRange) index += 2;
  }
  return {negated, ranges};
}
