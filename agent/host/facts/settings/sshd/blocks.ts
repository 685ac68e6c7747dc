import {splitArguments} from './line.ts';

/** A Match block: when it holds, in the file's words, and where it begins. `always` for `Match all`. */
export type MatchBlock = {condition: string; always: boolean; where: string};

const attributes = new Set(['user', 'group', 'host', 'address', 'localaddress', 'localport', 'rdomain', 'version']);

/** Reads what follows `Match`, or says why sshd refuses it. Source: OpenSSH's match_cfg_line(). */
export function parseMatch(rest: string, where: string): MatchBlock | {problem: string} {
  const words = splitArguments(rest)?.flatMap(splitEquals) ?? null;
  if (words === null || words.length === 0) return {problem: 'Match without a condition'};
  if (words[0]?.toLowerCase() === 'all')
    return words.length === 1
      ? {condition: 'Match all', always: true, where}
      : {problem: '"Match all" takes nothing more'};
  const parts: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const name = (words[at] as string).toLowerCase();
    if (name === 'invalid-user') {
      parts.push(name);
      continue;
    }
    const value = words[++at];
    if (!attributes.has(name)) return {problem: `Match does not know "${words[at - 1]}"`};
    if (value === undefined || value === '') return {problem: `Match ${name} without a value`};
    parts.push(`${name} ${value}`);
  }
  return {condition: `Match ${parts.join(' ')}`, always: false, where};
}

/** `user=bob` is `user bob`. */
function splitEquals(word: string): string[] {
  const found = /^([a-z-]+)=(.*)$/is.exec(word);
  return found !== null && attributes.has((found[1] as string).toLowerCase())
    ? [found[1] as string, found[2] as string]
    : [word];
}
