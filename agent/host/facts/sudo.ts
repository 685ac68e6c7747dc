import {type Answer, seen} from '../../../policies/facts/answer.ts';
import type {SudoFact} from '../../../policies/facts/sudo.ts';
import {single} from './collector.ts';
import {readSudoers} from './settings/sudoers.ts';
import {commandText, memberText, type SudoRule, type SudoSetting} from './settings/sudoers-model.ts';

export const collectSudo = single<'sudo'>(async ({host}): Promise<Answer<SudoFact>> => {
  const sudoers = await readSudoers(host);
  if (sudoers.state !== 'seen') return sudoers;
  const rules = sudoers.value.rules.flatMap(rule =>
    rule.commands.map(command => ({
      users: rule.users.map(memberText),
      asRoot: mayBeRoot(rule),
      tags: rule.tags,
      command: commandText(command),
      where: rule.where,
    })),
  );
  const defaults = sudoers.value.defaults.map(entry => {
    const {name, operator, value, where} = entry;
    return {name, operator, value, scope: scopeOf(entry), where};
  });
  return seen({rules, defaults}, sudoers.where);
});

/** A list that leaves root out by name still counts: `(ALL, !root)` has let people be root before (CVE-2019-14287). */
function mayBeRoot({runAs}: SudoRule): boolean {
  if (runAs === null) return true;
  return runAs.users.some(
    ({negated, kind, name}) =>
      !negated && (kind === 'all' || name === 'root' || (kind === 'uid' && Number(name) === 0)),
  );
}

function scopeOf({scope}: SudoSetting): string[] | null {
  if (scope === null) return null;
  return scope.kind === 'command' ? scope.commands.map(commandText) : scope.members.map(memberText);
}
