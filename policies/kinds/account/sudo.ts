import type {SudoDefaultFact, SudoFact, SudoRuleFact} from '../../facts/sudo.ts';
import {type Comparison, type Judgement, judged} from '../../finding.ts';
import {orList, shellWord} from '../shared.ts';
import {againstPart, heldPart, type Part} from './part.ts';
import type {AccountCheck} from './schema.ts';

type Wanted = NonNullable<AccountCheck['sudo']>;

export function judgeSudo(wanted: Wanted, fact: SudoFact, where: string[]): Part {
  const against: Judgement[] = [];
  const held: Comparison[] = [];
  if (wanted.password_required !== undefined) {
    const open = withoutPassword(fact);
    const expected = wanted.password_required ? 'required' : 'not required';
    if (open.length > 0 !== wanted.password_required)
      held.push({what: 'password', expected, actual: expected, ok: true});
    else if (!wanted.password_required)
      against.push(
        judged('sudo', [{what: 'password', expected, actual: 'required', ok: false}], {where, scope: 'persistent'}),
      );
    for (const {subject, actual, where: place, cure} of wanted.password_required ? open : []) {
      against.push(
        judged(subject, [{what: 'password', expected, actual, ok: false}], {where: [place], scope: 'persistent', cure}),
      );
    }
  }
  if (wanted.all_commands_only !== undefined) {
    const {all_commands_only: accepted} = wanted;
    const expected = accepted.length === 0 ? 'nobody' : orList(accepted);
    const strangers = fact.rules.filter(isAllCommands).flatMap(rule =>
      granted(rule)
        .filter(user => !accepted.includes(user))
        .map(user => ({user, where: rule.where})),
    );
    if (strangers.length === 0) held.push({what: 'all commands as root', expected, actual: expected, ok: true});
    for (const {user, where: place} of strangers) {
      const cure = `name the commands that ${user} needs in place of ALL at ${place}: ${visudo(place)}`;
      against.push(
        judged(user, [{what: 'all commands as root', expected, actual: user, ok: false}], {
          where: [place],
          scope: 'persistent',
          cure,
        }),
      );
    }
  }
  return against.length > 0 ? againstPart(against) : heldPart(held, where);
}

const isRoot = (user: string) => user === 'root' || user === '#0';
const granted = ({users}: SudoRuleFact) => users.filter(user => !user.startsWith('!'));
const isAllCommands = ({asRoot, command}: SudoRuleFact) => asRoot && command === 'ALL';
const visudo = (where: string) => `visudo -f ${shellWord(where.replace(/:\d+$/, ''))}`;

type Open = {subject: string; actual: string; where: string; cure: string};

/** Every way in which sudoers(5) spares somebody the password; root is never asked, so that is none. */
function withoutPassword({rules, defaults}: SudoFact): Open[] {
  const open: Open[] = [];
  for (const rule of rules) {
    const users = granted(rule).filter(user => !isRoot(user));
    if (!rule.tags.includes('NOPASSWD') || rule.command.startsWith('!') || users.length === 0) continue;
    const cure = `take NOPASSWD away at ${rule.where}: ${visudo(rule.where)}`;
    open.push({subject: users.join(', '), actual: `not asked for: ${rule.command}`, where: rule.where, cure});
  }
  const shared = defaults.filter(({name, scope}) => name === 'authenticate' && scope === null).at(-1);
  const spared = (entry: SudoDefaultFact) => entry.operator === 'off';
  const scoped = defaults.filter(
    entry => entry.name === 'authenticate' && entry.scope !== null && !entry.scope.every(isRoot),
  );
  for (const entry of [...(shared === undefined ? [] : [shared]), ...scoped].filter(spared)) {
    const cure = `take !authenticate away at ${entry.where}: ${visudo(entry.where)}`;
    open.push({
      subject: entry.scope?.join(', ') ?? 'ALL',
      actual: 'not asked for: Defaults !authenticate',
      where: entry.where,
      cure,
    });
  }
  const exempt = defaults.filter(({name}) => name === 'exempt_group').at(-1);
  if (exempt !== undefined && exempt.operator === '=' && exempt.value !== '') {
    const cure = `take exempt_group away at ${exempt.where}: ${visudo(exempt.where)}`;
    open.push({subject: `%${exempt.value}`, actual: 'not asked for: Defaults exempt_group', where: exempt.where, cure});
  }
  return open;
}
