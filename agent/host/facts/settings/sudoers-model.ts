import type {
  SudoCommand,
  SudoCommandSpec,
  SudoDefault,
  SudoersStatement,
  SudoGrant,
  SudoMember,
} from './parse/sudoers.ts';

export type {SudoCommand, SudoMember} from './parse/sudoers.ts';

/** Who may run what, aliases written out. `where` is `path:line`. */
export type SudoRule = {
  users: SudoMember[];
  hosts: SudoMember[];
  /** Null: as root. */
  runAs: SudoCommandSpec['runAs'];
  tags: string[];
  options: SudoCommandSpec['options'];
  commands: SudoCommand[];
  where: string;
};
export type SudoSetting = Omit<SudoDefault, 'line'> & {where: string};

/** sudoers(5) as sudo reads it: includes followed, aliases written out, order kept; of rules that match a request the last decides. */
export type Sudoers = {defaults: SudoSetting[]; rules: SudoRule[]; read: string[]};

export type PlacedStatement = SudoersStatement & {path: string};

const maxMembers = 10_000;
const maxAliasDepth = 32;

/**
 * Puts the members of aliases in their places. An alias that is not defined stands as a name, as sudo takes it; one
 * that holds itself, or lists that grow without bound, are named in `problems`.
 */
export function resolveSudoers(statements: PlacedStatement[]): Omit<Sudoers, 'read'> & {problems: string[]} {
  const problems: string[] = [];
  const aliases = new Map<string, Extract<PlacedStatement, {kind: 'alias'}>>();
  for (const statement of statements) {
    if (statement.kind === 'broken')
      problems.push(`cannot read ${statement.path}:${statement.line}: ${statement.problem}`);
    if (statement.kind === 'alias') aliases.set(`${statement.of} ${statement.name}`, statement);
  }

  let written = 0;
  const expand = <T extends {kind: string; negated: boolean}>(
    list: T[],
    of: string,
    nameOf: (item: T) => string,
    itemsOf: (alias: Extract<PlacedStatement, {kind: 'alias'}>) => T[],
    trail: string[] = [],
  ): T[] =>
    list.flatMap((item): T[] => {
      const name = nameOf(item);
      const alias = item.kind === 'alias' ? aliases.get(`${of} ${name}`) : undefined;
      if (alias === undefined) {
        written++;
        return [item];
      }
      if (trail.includes(name) || trail.length >= maxAliasDepth || written > maxMembers) {
        problems.push(
          `cannot read ${alias.path}:${alias.line}: the alias ${name} ${trail.includes(name) ? 'holds itself' : 'has too many members'}`,
        );
        return [];
      }
      const items = expand(itemsOf(alias), of, nameOf, itemsOf, [...trail, name]);
      return item.negated ? items.map(inner => ({...inner, negated: !inner.negated})) : items;
    });
  const members = (list: SudoMember[], of: 'user' | 'runas' | 'host') =>
    expand(
      list,
      of,
      ({name}) => name,
      alias => alias.members,
    );
  const commands = (list: SudoCommand[]) =>
    expand(
      list,
      'command',
      ({text}) => text,
      alias => alias.commands,
    );

  const defaults: SudoSetting[] = [];
  const rules: SudoRule[] = [];
  for (const statement of statements) {
    if (statement.kind === 'defaults') {
      for (const {line, scope, ...entry} of statement.entries) {
        const resolved = scope && {
          ...scope,
          members: scope.kind === 'command' ? [] : members(scope.members, scope.kind),
          commands: commands(scope.commands),
        };
        defaults.push({...entry, scope: resolved, where: `${statement.path}:${line}`});
      }
    }
    if (statement.kind === 'grants')
      for (const grant of statement.grants) rules.push(...rulesOf(grant, statement.path));
  }
  return {defaults, rules, problems: [...new Set(problems)].slice(0, 20)};

  function rulesOf({users, hosts, commands: specs, line}: SudoGrant, path: string): SudoRule[] {
    return specs.map(({runAs, tags, options, command}) => ({
      users: members(users, 'user'),
      hosts: members(hosts, 'host'),
      runAs: runAs && {users: members(runAs.users, 'runas'), groups: members(runAs.groups, 'runas')},
      tags,
      options,
      commands: commands([command]),
      where: `${path}:${line}`,
    }));
  }
}

const marks = {
  all: '',
  user: '',
  uid: '#',
  group: '%',
  gid: '%#',
  'directory-group': '%:',
  netgroup: '+',
  host: '',
  alias: '',
} as const;

/** A member as sudoers(5) writes it: `%wheel`, `!#1000`. */
export const memberText = ({negated, kind, name}: SudoMember): string => `${negated ? '!' : ''}${marks[kind]}${name}`;

export const commandText = ({negated, text}: SudoCommand): string => `${negated ? '!' : ''}${text}`;
