import {type AccountCheck, passwordSchemes, passwordStates} from './schema.ts';

const nobody = 'no-such-user';

/**
 * Each expectation turned. Some turned values lie outside the schema, since no pack may ask for them: what is false,
 * and an owner or key that nothing satisfies.
 */
export function accountFlips(check: AccountCheck): Array<{what: string; check: AccountCheck}> {
  const flips: Array<{what: string; check: AccountCheck}> = [];
  const turn = (what: string, over: {[key: string]: unknown}) =>
    flips.push({what, check: {...check, ...over} as AccountCheck});
  if (check.password !== undefined) turn('password', {password: except(passwordStates, check.password)});
  if (check.password_scheme !== undefined)
    turn('password_scheme', {password_scheme: except(passwordSchemes, check.password_scheme)});
  if (check.shell_in !== undefined) turn('shell_in', {shell_in: ['/no/such/shell']});
  if (check.shell_not_login !== undefined)
    turn('shell_not_login', {shell_not_login: undefined, shell_in: ['/no/such/shell']});
  if (check.unique !== undefined) for (const key of check.unique) turn(`unique.${key}`, {unique: [`same-${key}`]});
  if (check.uid0_only !== undefined) turn('uid0_only', {uid0_only: false});
  if (check.well_formed !== undefined) turn('well_formed', {well_formed: false});
  if (check.group_members !== undefined) {
    const {group, in: only, includes} = check.group_members;
    if (only !== undefined) turn('group_members.in', {group_members: {group, includes: [nobody]}});
    if (includes !== undefined) turn('group_members.includes', {group_members: {group, in: [], includes: [nobody]}});
  }
  const {password_required: asked, all_commands_only: all} = check.sudo ?? {};
  if (asked !== undefined) turn('sudo.password_required', {sudo: {...check.sudo, password_required: false}});
  if (all !== undefined) turn('sudo.all_commands_only', {sudo: {...check.sudo, all_commands_only: []}});
  turnFields(check, 'ageing', turn, {
    max_days_at_most: -1,
    min_days_at_least: 1e9,
    warn_days_at_least: 1e9,
    inactive_days_at_most: -1,
  });
  turnFields(check, 'home', turn, {exists: false, owner: nobody, mode_at_most: '0000'});
  const files = check.home_files;
  if (files?.absent !== undefined)
    turn('home_files.absent', {
      home_files: {...files, absent: undefined, present: [...(files.present ?? []), ...files.absent]},
    });
  if (files?.present !== undefined)
    turn('home_files.present', {
      home_files: {...files, present: undefined, absent: [...(files.absent ?? []), ...files.present]},
    });
  if (files?.owner !== undefined) turn('home_files.owner', {home_files: {...files, owner: nobody}});
  for (const path of Object.keys(files?.mode_at_most ?? {})) {
    turn(`home_files.mode_at_most.${path}`, {
      home_files: {...files, mode_at_most: {...files?.mode_at_most, [path]: '0000'}},
    });
  }
  return flips;
}

/** All values but those; where nothing is left, one that nobody has. */
function except(all: readonly string[], those: readonly string[]): string[] {
  const rest = all.filter(value => !those.includes(value));
  return rest.length > 0 ? rest : ['no-such-value'];
}

function turnFields(
  check: AccountCheck,
  key: 'ageing' | 'home',
  turn: (what: string, over: {[key: string]: unknown}) => void,
  values: {[field: string]: unknown},
): void {
  const fields = check[key] as {[field: string]: unknown} | undefined;
  for (const field of Object.keys(fields ?? {})) turn(`${key}.${field}`, {[key]: {...fields, [field]: values[field]}});
}
