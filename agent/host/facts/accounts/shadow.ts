import type {PasswordState, UserFact} from '../../../../policies/facts/accounts.ts';
import {parseDays, type TableLine} from './records.ts';

/** crypt(5) prefixes, the longer before the shorter that it begins with. */
const schemes: ReadonlyArray<readonly [prefix: string, scheme: string]> = [
  ['$y$', 'yescrypt'],
  ['$gy$', 'gost-yescrypt'],
  ['$sm3y$', 'sm3-yescrypt'],
  ['$7$', 'scrypt'],
  ['$2a$', 'bcrypt'],
  ['$2b$', 'bcrypt'],
  ['$2x$', 'bcrypt'],
  ['$2y$', 'bcrypt'],
  ['$6$', 'sha512'],
  ['$sm3$', 'sm3'],
  ['$5$', 'sha256'],
  ['$sha1$', 'sha1'],
  ['$md5', 'sunmd5'],
  ['$1$', 'md5'],
  ['$3$', 'nt'],
];

const desAlphabet = /^[./0-9A-Za-z]+$/;

/** The scheme's name for a hash, or null for text that no password can match. Nothing of the hash leaves here. */
export function schemeOf(hash: string): string | null {
  for (const [prefix, scheme] of schemes) if (hash.startsWith(prefix)) return scheme;
  if (hash.startsWith('$')) return 'unknown';
  if (/^_[./0-9A-Za-z]{19}$/.test(hash)) return 'bsdicrypt';
  if (!desAlphabet.test(hash)) return null;
  if (hash.length === 13) return 'des';
  return hash.length > 13 && (hash.length - 2) % 11 === 0 ? 'bigcrypt' : null;
}

/** The state that shadow(5)'s password field stands for. */
export function passwordState(field: string): PasswordState {
  if (field === '') return {state: 'empty'};
  if (field.startsWith('!')) return {state: 'locked'};
  const scheme = schemeOf(field);
  return scheme === null ? {state: 'none'} : {state: 'set', scheme};
}

export type ShadowEntry = {password: PasswordState; ageing: NonNullable<UserFact['ageing']>; where: string};
export type Broken = {where: string; problem: string};

/** The first entry of each name, as look-ups take it; what is wrong with lines goes to `broken`. */
export function readShadow(lines: TableLine[], broken: Broken[]): Map<string, ShadowEntry> {
  const entries = new Map<string, ShadowEntry>();
  for (const {fields, where} of lines) {
    const name = fields[0] as string;
    if (isNis(name)) {
      broken.push({where, problem: nisProblem(name)});
      continue;
    }
    if (fields.length !== 9) broken.push({where, problem: `${fields.length} fields, 9 are wanted`});
    if (name === '' || fields.length < 2) continue;
    if (entries.has(name)) {
      broken.push({where, problem: `a second entry for ${JSON.stringify(name)}`});
      continue;
    }
    const days = fields.slice(2, 8).map(parseDays);
    if (days.includes(undefined)) broken.push({where, problem: 'a number of days is not a number'});
    const [lastChange, min, max, warn, inactive, expire] = days.map(value => value ?? null);
    entries.set(name, {
      password: passwordState(fields[1] as string),
      ageing: {
        lastChange: lastChange ?? null,
        min: min ?? null,
        max: max ?? null,
        warn: warn ?? null,
        inactive: inactive ?? null,
        expire: expire ?? null,
      },
      where,
    });
  }
  return entries;
}

/** Entries that once merged another database into the file, nsswitch.conf(5) `compat`. */
export const isNis = (name: string): boolean => name.startsWith('+') || name.startsWith('-');
export const nisProblem = (name: string): string =>
  `an entry that begins with "${name[0]}" takes in or leaves out accounts of another database (NIS)`;
