import type {ProfileOnDisk} from '../../../../policies/facts/apparmor.ts';

type Profile = Pick<ProfileOnDisk, 'name' | 'attach' | 'mode'> & {line: number};

const maxLineLength = 16 * 1024;

/**
 * The profiles that a file defines: `profile NAME [ATTACHMENT] [flags=(…)] {`, or a path in place of all before the
 * flags; those inside another are `parent//child`, hats too. The rules inside are not read. Source: apparmor.d(5).
 */
export function parseProfileFile(text: string): Profile[] {
  const profiles: Profile[] = [];
  const open: Array<string | null> = [];
  let head = '';
  let headLine = 0;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = withoutComment(raw.slice(0, maxLineLength)).trim();
    if (line === '') continue;
    if (head === '') headLine = index + 1;
    const candidate = `${head} ${line}`.trim();
    const brace = openingBrace(candidate);
    if (brace >= 0) {
      const parent = open.findLast(name => name !== null) ?? null;
      const profile = parseHead(candidate.slice(0, brace).trim(), parent);
      if (profile !== null) profiles.push({...profile, line: headLine});
      head = '';
      if (!/\}\s*$/.test(candidate.slice(brace + 1))) open.push(profile?.name ?? null);
    } else if (line.startsWith('}')) {
      head = '';
      open.pop();
    } else head = beginsHead(candidate, open.length) && candidate.length < maxLineLength ? candidate : '';
  }
  return profiles;
}

/** A comment begins at `#` where a word could; `#include` names a part, no profile. */
function withoutComment(line: string): string {
  const at = /(?:^|\s)#/.exec(line);
  return at === null ? line : line.slice(0, at.index);
}

/** The brace that opens a block stands after white space or a bracket, at the end or before the block's first rule; those of patterns stand in a word. */
const openingBrace = (line: string): number => /(?<=[\s)])\{(?=\s|$)/.exec(line)?.index ?? -1;

/** A head may stand on lines of its own before the brace. A path inside a profile is a rule, so only outside it begins one. */
const beginsHead = (line: string, depth: number) =>
  /^(?:profile|hat)\s/.test(line) || (depth === 0 && /^["/]/.test(line));

const word = /"([^"]*)"|(\S+)/y;

/** Null for blocks that define no profile, such as `if` and `else`. */
function parseHead(head: string, parent: string | null): Pick<Profile, 'name' | 'attach' | 'mode'> | null {
  const flags = /\s(?:flags\s*=\s*)?\(([^()]*)\)\s*$/.exec(head.replace(/\sxattrs\s*=\s*\([^()]*\)/, ''));
  const words = wordsOf(head.replace(/\s(?:flags|xattrs)\s*=.*$/, '').replace(/\s\([^()]*\)\s*$/, ''));
  const keyword = words[0] === 'profile' || words[0] === 'hat' ? words.shift() : null;
  const name = words.shift();
  if (name === undefined || (keyword === null && !/^[/^@:]/.test(name))) return null;
  const attach = words.find(text => /^[/@{]/.test(text)) ?? (/^[/@{]/.test(name) ? name : null);
  const local = name.replace(/^\^/, '');
  return {name: parent === null ? local : `${parent}//${local}`, attach, mode: modeOf(flags?.[1] ?? '')};
}

function wordsOf(text: string): string[] {
  const words: string[] = [];
  word.lastIndex = 0;
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text[at] as string)) {
      at++;
      continue;
    }
    word.lastIndex = at;
    const match = word.exec(text);
    if (match === null) break;
    words.push(match[1] ?? (match[2] as string));
    at = word.lastIndex;
  }
  return words;
}

function modeOf(flags: string): ProfileOnDisk['mode'] {
  const set = new Set(flags.split(/[\s,]+/));
  return (['unconfined', 'complain', 'kill', 'prompt'] as const).find(mode => set.has(mode)) ?? 'enforce';
}
