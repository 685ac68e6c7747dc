import type {Static} from 'typebox';
import * as Type from 'typebox';
import {whoNames} from '../../accounts/select.ts';
import {modeText} from '../shared.ts';

const name = Type.String({minLength: 1, maxLength: 64});
const names = (wanted: string) => Type.Array(name, {maxItems: 256, wanted});

export const passwordStates = ['locked', 'none', 'set', 'empty', 'unshadowed'] as const;
/** The names that the accounts fact gives to crypt(5) schemes. */
export const passwordSchemes = [
  'yescrypt',
  'gost-yescrypt',
  'sm3-yescrypt',
  'scrypt',
  'bcrypt',
  'sha512',
  'sm3',
  'sha256',
  'sha1',
  'sunmd5',
  'md5',
  'nt',
  'bsdicrypt',
  'bigcrypt',
  'des',
  'unknown',
] as const;
export const uniqueKeys = ['uid', 'name', 'gid', 'group-name'] as const;

const oneOf = <T extends string>(values: readonly T[]) =>
  Type.Array(Type.Enum([...values], {wanted: `one of ${values.join(', ')}`}), {minItems: 1, uniqueItems: true});
const days = Type.Integer({minimum: 0, maximum: 99_999});
const yes = Type.Literal(true, {wanted: 'true'});
const homeOwner = Type.Enum(['self', 'self-or-root'], {wanted: '"self" or "self-or-root"'});
const relativePath = Type.String({
  pattern: '^(?!\\.\\.?(/|$))[^/\\u0000]+(/(?!\\.\\.?(/|$))[^/\\u0000]+)*$',
  maxLength: 256,
  wanted: 'a path below the home, without a leading /',
});
const relativePaths = Type.Array(relativePath, {minItems: 1, maxItems: 64, wanted: 'a list of paths below the home'});

export const accountSchema = Type.Object(
  {
    who: Type.Optional(
      Type.Union([Type.Enum([...whoNames]), Type.Array(name, {minItems: 1, maxItems: 256})], {
        wanted: `one of ${whoNames.join(', ')}, or a list of names`,
      }),
    ),
    except: Type.Optional(names('a list of user names')),
    password: Type.Optional(oneOf(passwordStates)),
    password_scheme: Type.Optional(oneOf(passwordSchemes)),
    ageing: Type.Optional(
      Type.Object(
        {
          max_days_at_most: Type.Optional(days),
          min_days_at_least: Type.Optional(days),
          warn_days_at_least: Type.Optional(days),
          inactive_days_at_most: Type.Optional(days),
        },
        {additionalProperties: false, minProperties: 1},
      ),
    ),
    shell_in: Type.Optional(
      Type.Array(Type.String({maxLength: 256}), {minItems: 1, maxItems: 64, wanted: 'a list of shells'}),
    ),
    shell_not_login: Type.Optional(yes),
    home: Type.Optional(
      Type.Object(
        {exists: Type.Optional(yes), owner: Type.Optional(homeOwner), mode_at_most: Type.Optional(modeText)},
        {additionalProperties: false, minProperties: 1},
      ),
    ),
    home_files: Type.Optional(
      Type.Object(
        {
          absent: Type.Optional(relativePaths),
          present: Type.Optional(relativePaths),
          mode_at_most: Type.Optional(Type.Record(relativePath, modeText)),
          owner: Type.Optional(homeOwner),
        },
        {additionalProperties: false, minProperties: 1},
      ),
    ),
    unique: Type.Optional(oneOf(uniqueKeys)),
    uid0_only: Type.Optional(yes),
    well_formed: Type.Optional(yes),
    group_members: Type.Optional(
      Type.Object(
        {
          group: name,
          in: Type.Optional(names('a list of user names')),
          includes: Type.Optional(names('a list of user names')),
        },
        {additionalProperties: false},
      ),
    ),
    sudo: Type.Optional(
      Type.Object(
        {
          password_required: Type.Optional(yes),
          all_commands_only: Type.Optional(names('a list of users, %groups and #ids')),
        },
        {additionalProperties: false, minProperties: 1},
      ),
    ),
  },
  {additionalProperties: false},
);
export type AccountCheck = Static<typeof accountSchema>;

export const userKeys = [
  'password',
  'password_scheme',
  'ageing',
  'shell_in',
  'shell_not_login',
  'home',
  'home_files',
] as const;
export const wholeKeys = ['unique', 'uid0_only', 'well_formed', 'group_members', 'sudo'] as const;
export const isUserCheck = (check: AccountCheck) => userKeys.some(key => check[key] !== undefined);
