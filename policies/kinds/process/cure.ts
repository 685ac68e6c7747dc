import {capabilityName} from '../../capabilities.ts';
import type {ProcessFact} from '../../facts/processes.ts';
import {listOf, shellWord} from '../shared.ts';
import type {ProcessCheck} from './schema.ts';

/** How to start a process so that it holds what `wrong` names: settings of its unit where it has one. */
export function cureOf(check: ProcessCheck, process: ProcessFact, wrong: ReadonlySet<string>): string {
  const unit = process.unit?.endsWith('.service') ? shellWord(process.unit) : null;
  const settings: string[] = [];
  const words: string[] = [];
  const add = (what: string, setting: string, otherwise: string) => {
    if (!wrong.has(what)) return;
    if (unit === null) words.push(otherwise);
    else settings.push(setting);
  };
  const user = listOf(check.user_in)[0] ?? 'a user of its own';
  add('user', `User=${user}`, `start it as ${user}`);
  add('groups', `SupplementaryGroups=`, `take its user out of ${listOf(check.groups_not_in).join(', ')}`);
  const capabilities = (check.capabilities_at_most ?? []).map(capabilityName).join(' ');
  add(
    'capabilities',
    `CapabilityBoundingSet=${capabilities}`,
    capabilities === '' ? 'start it without capabilities' : `start it with no capabilities but ${capabilities}`,
  );
  add('no new privileges', 'NoNewPrivileges=yes', 'start it through setpriv --no-new-privs');
  add('seccomp', 'SystemCallFilter=@system-service', 'start it with a seccomp filter');
  if (wrong.has('confined')) words.push('load an AppArmor profile or SELinux policy for it, and enforce it');
  for (const name of Object.keys(check.environment ?? {}))
    add(name, `Environment=${name}=…`, `start it with the right ${name}`);
  if (settings.length > 0) words.unshift(`systemctl edit ${unit}: [Service] ${settings.join(', ')}`);
  words.push(unit === null ? 'then start it again' : `systemctl restart ${unit}`);
  return words.join('; ');
}
