import type {AccountsFact, UserFact} from '../facts/accounts.ts';

export const whoNames = ['all', 'login', 'people', 'system', 'root'] as const;
export type Who = (typeof whoNames)[number] | string[];

/** Shells that let nobody in. */
export const noLoginShells: readonly string[] = [
  '/usr/sbin/nologin',
  '/sbin/nologin',
  '/usr/bin/nologin',
  '/bin/nologin',
  '/usr/bin/false',
  '/bin/false',
];

const isRoot = (user: UserFact) => user.uid === 0 || user.name === 'root';

/** The users that a rule speaks of (docs/kinds/account.md, `who` and `except`), in the order of passwd(5). */
export function selectUsers(fact: AccountsFact, who: Who, except: readonly string[]): UserFact[] {
  const shells = new Set(fact.shells);
  const named = Array.isArray(who) ? new Set(who) : null;
  const left = new Set(except);
  const hasLoginShell = ({shell}: UserFact) => !noLoginShells.includes(shell) && (shell === '' || shells.has(shell));
  const isPerson = (user: UserFact) => !isRoot(user) && user.uid >= fact.uidMin && hasLoginShell(user);
  return fact.users.filter(user => {
    if (left.has(user.name)) return false;
    if (named !== null) return named.has(user.name);
    switch (who) {
      case 'login':
        return isRoot(user) || isPerson(user);
      case 'people':
        return isPerson(user);
      case 'system':
        return !isRoot(user) && user.uid < fact.uidMin;
      case 'root':
        return isRoot(user);
      default:
        return true;
    }
  });
}
