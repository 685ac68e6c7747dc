import {withoutValue} from '../facts/answer.ts';
import type {HomesRequest} from '../facts/homes.ts';
import type {Facts} from '../facts/index.ts';
import {type Comparison, type Judgement, judged} from '../finding.ts';
import {accountFlips} from './account/flips.ts';
import {homeFilesWanted} from './account/homes.ts';
import {againstPart, nonePart, type Part} from './account/part.ts';
import {type AccountCheck, accountSchema, isUserCheck, userKeys, wholeKeys} from './account/schema.ts';
import {judgeSudo} from './account/sudo.ts';
import {describeWho, judgeUsers} from './account/users.ts';
import {judgeMembers, judgeUid0, judgeUnique, judgeWellFormed} from './account/whole.ts';
import {defineKind} from './kind.ts';
import {orList} from './shared.ts';

const allKeys = [...userKeys, ...wholeKeys];
const wantsAccounts = (check: AccountCheck) => allKeys.some(key => key !== 'sudo' && check[key] !== undefined);
const wantsHomes = (check: AccountCheck) => check.home !== undefined || check.home_files !== undefined;

export const accountKind = defineKind<typeof accountSchema>({
  name: 'account',
  summary: 'Local users and groups: passwords, ageing, shells, ids, membership, homes and sudo.',
  schema: accountSchema,
  problems: check => {
    const problems: Array<{at: string[]; message: string}> = [];
    if (!allKeys.some(key => check[key] !== undefined))
      problems.push({at: [], message: `nothing is expected: give at least one of ${allKeys.join(', ')}`});
    const files = check.home_files;
    if (files?.owner !== undefined && files.mode_at_most === undefined && files.present === undefined) {
      problems.push({
        at: ['home_files', 'owner'],
        message: 'owner speaks of the files of mode_at_most and present: name at least one',
      });
    }
    const group = check.group_members;
    if (group !== undefined && group.in === undefined && group.includes === undefined) {
      problems.push({at: ['group_members'], message: 'nothing is expected of the group: give "in" or "includes"'});
    }
    if (check.who !== undefined && check.who !== 'all' && !isUserCheck(check))
      problems.push({at: ['who'], message: `"who" needs a key that is about each user: one of ${userKeys.join(', ')}`});
    return problems;
  },
  canBeEmpty: mayBeNobody,
  wants: check => [
    ...(wantsAccounts(check) ? [{fact: 'accounts'} as const] : []),
    ...(wantsHomes(check) ? [homesRequest(check)] : []),
    ...(check.sudo === undefined ? [] : [{fact: 'sudo'} as const]),
  ],
  judge: (check, facts): Judgement[] => {
    const joined = joinParts([
      ...(wantsAccounts(check) ? judgeAccounts(check, facts) : []),
      ...judgeSudoers(check, facts),
    ]);
    return mayBeNobody(check)
      ? joined
      : joined.map(judgement => (judgement.verdict === 'none' ? {...judgement, verdict: 'unknown'} : judgement));
  },
  flips: accountFlips,
  looks: check => {
    const files = 'Reads /etc/passwd, /etc/group, /etc/shadow, /etc/gshadow, /etc/shells and /etc/login.defs.';
    return [
      ...(wantsAccounts(check) ? [files] : []),
      ...(wantsHomes(check) ? ['Looks at home directories and what lies in them, never through a link.'] : []),
      ...(check.sudo === undefined ? [] : ['Reads /etc/sudoers with all that it includes.']),
    ].join(' ');
  },
  wanted: check =>
    allKeys
      .filter(key => check[key] !== undefined)
      .map(key => `${key} ${describe(check[key])}`)
      .join('; ') + (isUserCheck(check) ? ` (each user who is ${describeWho(check)})` : ''),
});

/** Whether nobody may be left to judge. Root is there on every machine, and has a password field and a shell. */
function mayBeNobody(check: AccountCheck): boolean {
  if (check.group_members !== undefined || check.sudo !== undefined) return true;
  if (!isUserCheck(check)) return false;
  const {password, shell_in, shell_not_login, home, home_files: files} = check;
  const everyUserHas = [password, shell_in, shell_not_login, home?.exists, files?.absent, files?.present].some(
    key => key !== undefined,
  );
  const includesRoot = check.who === undefined || check.who === 'all' || check.who === 'root' || check.who === 'login';
  return !(everyUserHas && includesRoot && (check.except ?? []).length === 0);
}

const homesRequest = (check: AccountCheck): HomesRequest & {fact: 'homes'} => ({
  fact: 'homes',
  who: check.who ?? 'all',
  except: check.except ?? [],
  files: homeFilesWanted(check),
});

function describe(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'nobody' : orList(value.map(String));
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([key, inner]) => `${key} ${describe(inner)}`)
    .join(', ');
}

function judgeAccounts(check: AccountCheck, facts: Facts): Part[] {
  const answer = facts.get({fact: 'accounts'});
  if (answer.state === 'absent') return [nonePart(answer.reason)];
  if (answer.state !== 'seen') return [againstPart([withoutValue('accounts', answer)])];
  const accounts = answer.value;
  const parts: Part[] = [];
  if (isUserCheck(check)) {
    const homes = wantsHomes(check) ? facts.get(homesRequest(check)) : null;
    if (homes !== null && homes.state !== 'seen') {
      parts.push(againstPart([{subject: 'homes', verdict: 'unknown', reason: homes.reason}]));
    } else parts.push(judgeUsers(check, accounts, homes?.value ?? null));
  }
  if (check.unique !== undefined) parts.push(judgeUnique(check.unique, accounts));
  if (check.uid0_only !== undefined) parts.push(judgeUid0(check.uid0_only, accounts, check.except ?? []));
  if (check.well_formed !== undefined) parts.push(judgeWellFormed(check.well_formed, accounts));
  if (check.group_members !== undefined) parts.push(judgeMembers(check.group_members, accounts));
  return parts;
}

function judgeSudoers(check: AccountCheck, facts: Facts): Part[] {
  if (check.sudo === undefined) return [];
  const sudo = facts.get({fact: 'sudo'});
  if (sudo.state === 'absent') return [nonePart(sudo.reason)];
  if (sudo.state !== 'seen') return [againstPart([withoutValue('sudo', sudo)])];
  return [judgeSudo(check.sudo, sudo.value, sudo.where)];
}

/** Failures and unknowns as they are; else one pass for all that held; else there was nobody to judge. */
function joinParts(parts: Part[]): Judgement[] {
  const against = parts.flatMap(part => part.against);
  if (against.length > 0) return against;
  const held = parts.flatMap(part => part.held ?? []);
  if (held.length === 0)
    return [
      {
        subject: 'accounts',
        verdict: 'none',
        reason: parts.find(part => part.none !== null)?.none ?? 'no account was judged',
      },
    ];
  const compared: Comparison[] = held.flatMap(part => part.compared);
  return [judged('accounts', compared, {where: [...new Set(held.flatMap(part => part.where))], scope: 'persistent'})];
}
