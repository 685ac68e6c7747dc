import {SudoersFault, SudoersScanner, sudoersLines, withoutEscapes} from './sudoers-lines.ts';

/** Somebody or some host in a list. `host` stands for names and addresses of hosts. */
export type SudoMember = {
  negated: boolean;
  kind: 'all' | 'user' | 'uid' | 'group' | 'gid' | 'directory-group' | 'netgroup' | 'host' | 'alias';
  /** Without its mark: `wheel` for `%wheel`, `1000` for `#1000`. `ALL` for all. */
  name: string;
};

/** `text` is the path with its arguments, `ALL`, `sudoedit` with its files, or an alias's name. */
export type SudoCommand = {
  negated: boolean;
  kind: 'all' | 'path' | 'edit' | 'alias' | 'word';
  text: string;
  digests: string[];
};

export type SudoDefault = {
  /** Null: for all. */
  scope: {kind: 'user' | 'runas' | 'host' | 'command'; members: SudoMember[]; commands: SudoCommand[]} | null;
  name: string;
  operator: 'on' | 'off' | '=' | '+=' | '-=';
  value: string;
  line: number;
};

/** `runAs` null: as root. Tags and options that a command takes over from the one before it are written out. */
export type SudoCommandSpec = {
  runAs: {users: SudoMember[]; groups: SudoMember[]} | null;
  tags: string[];
  options: Array<{name: string; value: string}>;
  command: SudoCommand;
};
export type SudoGrant = {users: SudoMember[]; hosts: SudoMember[]; commands: SudoCommandSpec[]; line: number};

export type SudoersStatement =
  | {kind: 'defaults'; entries: SudoDefault[]}
  | {
      kind: 'alias';
      of: 'user' | 'runas' | 'host' | 'command';
      name: string;
      members: SudoMember[];
      commands: SudoCommand[];
      line: number;
    }
  | {kind: 'grants'; grants: SudoGrant[]}
  | {kind: 'include'; directory: boolean; path: string; line: number}
  | {kind: 'broken'; problem: string; line: number};

/** Reading ends after so many broken statements: nothing is known of such a file anyway. */
const maxBroken = 100;

/** The statements of one file, in their order. Source: sudoers(5), and the grammar that sudo itself uses. */
export function parseSudoers(text: string): SudoersStatement[] {
  const found: SudoersStatement[] = [];
  let broken = 0;
  for (const {text: statement, line} of sudoersLines(text)) {
    try {
      found.push(...parseStatement(statement, line));
    } catch (error) {
      if (!(error instanceof SudoersFault)) throw error;
      found.push({kind: 'broken', problem: error.message, line});
      if (++broken >= maxBroken) break;
    }
  }
  return found;
}

const aliasKinds = new Map([
  ['User', 'user'],
  ['Runas', 'runas'],
  ['Host', 'host'],
  ['Cmnd', 'command'],
  ['Cmd', 'command'],
] as const);
const scopeKinds = new Map([
  [':', 'user'],
  ['>', 'runas'],
  ['@', 'host'],
  ['!', 'command'],
] as const);

function parseStatement(text: string, line: number): SudoersStatement[] {
  const scanner = new SudoersScanner(text);
  const include = scanner.match(/[@#]include(dir)?(?=[ \t"])/y);
  if (include !== null) {
    const path = scanner.quoted() ?? scanner.match(/(?:[^\s\\]|\\.)+/y)?.[0].replace(/\\([ \t])/g, '$1');
    if (path === undefined || path === '') throw new SudoersFault('an include without a path');
    return [{kind: 'include', directory: include[1] !== undefined, path, line}];
  }
  const alias = scanner.match(/(User|Runas|Host|Cmnd|Cmd)_Alias(?=[ \t])/y);
  if (alias !== null) return parseAliases(scanner, aliasKinds.get(alias[1] as 'User') as 'user', line);
  if (/^Defaults(?:[:@>!\s]|$)/.test(scanner.rest)) return [{kind: 'defaults', entries: parseDefaults(scanner, line)}];
  return [{kind: 'grants', grants: parseGrants(scanner, line)}];
}

function parseAliases(
  scanner: SudoersScanner,
  of: 'user' | 'runas' | 'host' | 'command',
  line: number,
): SudoersStatement[] {
  const found: SudoersStatement[] = [];
  do {
    const name = scanner.match(/[A-Z][A-Z0-9_]*/y)?.[0];
    if (name === undefined || !scanner.take('=')) throw new SudoersFault('an alias without a name and "="');
    const commands = of === 'command' ? list(scanner, () => readCommand(scanner)) : [];
    const members = of === 'command' ? [] : list(scanner, () => readMember(scanner, of === 'host'));
    found.push({kind: 'alias', of, name, members, commands, line});
  } while (scanner.take(':'));
  if (!scanner.done) throw new SudoersFault(`"${scanner.rest.slice(0, 20)}" after the alias`);
  return found;
}

function parseDefaults(scanner: SudoersScanner, line: number): SudoDefault[] {
  scanner.match(/Defaults/y, true);
  const mark = scanner.match(/[:@>!]/y)?.[0] as ':' | undefined;
  const kind = mark === undefined ? undefined : scopeKinds.get(mark);
  let scope: SudoDefault['scope'] = null;
  if (kind === 'command') scope = {kind, members: [], commands: list(scanner, () => readCommand(scanner, true))};
  else if (kind !== undefined)
    scope = {kind, members: list(scanner, () => readMember(scanner, kind === 'host')), commands: []};
  scanner.blanks();
  return list(
    scanner,
    () => {
      const off = scanner.negated();
      const name = scanner.match(/[a-z_]+/y)?.[0];
      if (name === undefined) throw new SudoersFault('a setting of Defaults without a name');
      const sign = scanner.match(/[+-]?=/y)?.[0] as '=' | '+=' | '-=' | undefined;
      if (sign === undefined) return {scope, name, operator: off ? ('off' as const) : ('on' as const), value: '', line};
      const value = scanner.quoted() ?? scanner.match(/(?:[^#=, \t\r\n\\"]|\\.)+/y)?.[0];
      if (value === undefined || off) throw new SudoersFault(`"${name}" without a value`);
      return {scope, name, operator: sign, value: withoutEscapes(value), line};
    },
    true,
  );
}

function parseGrants(scanner: SudoersScanner, line: number): SudoGrant[] {
  const users = list(scanner, () => readMember(scanner, false));
  const grants: SudoGrant[] = [];
  do {
    const hosts = list(scanner, () => readMember(scanner, true));
    if (!scanner.take('=')) throw new SudoersFault('"=" is missing after the hosts');
    let before = null as SudoCommandSpec | null;
    const commands = list(scanner, () => (before = readCommandSpec(scanner, before)));
    grants.push({users, hosts, commands, line});
  } while (scanner.take(':'));
  if (!scanner.done) throw new SudoersFault(`"${scanner.rest.slice(0, 20)}" after the commands`);
  return grants;
}

/** Elements with commas between them; `toEnd` refuses anything after the last. */
function list<T>(scanner: SudoersScanner, read: () => T, toEnd = false): T[] {
  const found: T[] = [];
  do found.push(read());
  while (scanner.take(','));
  if (toEnd && !scanner.done) throw new SudoersFault(`"${scanner.rest.slice(0, 20)}" where a comma was wanted`);
  return found;
}

const memberWord = /%?:?(?:#-?\d+(?=[\s,=:()]|$)|(?:[^#>!=:,() \t\r\n\\"]|\\.)+)/y;
const addressWord = /(?:[0-9A-Fa-f]*:){2,7}[0-9A-Fa-f.]*(?:\/[0-9A-Fa-f:.]+)?/y;

function readMember(scanner: SudoersScanner, host: boolean): SudoMember {
  const negated = scanner.negated();
  const quoted = scanner.quoted();
  const raw = quoted ?? (host ? scanner.match(addressWord)?.[0] : undefined) ?? scanner.match(memberWord)?.[0];
  if (raw === undefined || raw === '')
    throw new SudoersFault(`a ${host ? 'host' : 'user'} was wanted at "${scanner.rest.slice(0, 20)}"`);
  const word = quoted ?? withoutEscapes(raw);
  const [, mark, name] = /^(%:|%#|%|#|\+)?([\s\S]*)$/.exec(word) as unknown as [string, string | undefined, string];
  if (quoted === null && word === 'ALL') return {negated, kind: 'all', name: 'ALL'};
  if (quoted === null && /^[A-Z][A-Z0-9_]*$/.test(raw)) return {negated, kind: 'alias', name: word};
  const kinds = {'%:': 'directory-group', '%#': 'gid', '%': 'group', '#': 'uid', '+': 'netgroup'} as const;
  if (mark === undefined) return {negated, kind: host ? 'host' : 'user', name};
  if (name === '') throw new SudoersFault(`"${mark}" without a name`);
  return {negated, kind: kinds[mark as keyof typeof kinds], name};
}

function readCommandSpec(scanner: SudoersScanner, before: SudoCommandSpec | null): SudoCommandSpec {
  const runAs = scanner.take('(') ? readRunAs(scanner) : (before?.runAs ?? null);
  const options = new Map((before?.options ?? []).map(({name, value}) => [name, value]));
  for (let found = matchOption(scanner); found !== null; found = matchOption(scanner)) {
    const value = scanner.quoted() ?? scanner.match(/(?:[^\s,:=\\#"]|\\.)+/y)?.[0];
    if (value === undefined) throw new SudoersFault(`${found[1]} without a value`);
    options.set(found[1] as string, withoutEscapes(value));
  }
  const tags = new Set(before?.tags ?? []);
  for (let found = matchTag(scanner); found !== null; found = matchTag(scanner)) {
    const tag = found[1] as string;
    tags.delete(tag.startsWith('NO') ? tag.slice(2) : `NO${tag}`);
    tags.add(tag);
  }
  const command = readCommand(scanner);
  return {runAs, tags: [...tags].sort(), options: [...options].map(([name, value]) => ({name, value})), command};
}

const matchOption = (scanner: SudoersScanner) =>
  scanner.match(/(TIMEOUT|NOTBEFORE|NOTAFTER|CWD|CHROOT|ROLE|TYPE|APPARMOR_PROFILE|PRIVS|LIMITPRIVS)[ \t]*=[ \t]*/y);
const matchTag = (scanner: SudoersScanner) =>
  scanner.match(/((?:NO)?(?:PASSWD|EXEC|INTERCEPT|SETENV|LOG_OUTPUT|LOG_INPUT|MAIL|FOLLOW))[ \t]*:/y);

function readRunAs(scanner: SudoersScanner): SudoCommandSpec['runAs'] {
  const users = /^[:)]/.test(scanner.rest) ? [] : list(scanner, () => readMember(scanner, false));
  const groups =
    scanner.take(':') && !scanner.rest.startsWith(')') ? list(scanner, () => readMember(scanner, false)) : [];
  if (!scanner.take(')')) throw new SudoersFault('a parenthesis is never closed');
  return {users, groups};
}

const commandPath = /\/(?:\\.|[^,:=\\ \t\r\n#])*|\^(?:[^#$\\]|\\.)*\$/y;
const commandArguments = /(?:\\.|[^\\:,#])*/y;

/** Without arguments after `Defaults!`, which takes a path alone. */
function readCommand(scanner: SudoersScanner, pathOnly = false): SudoCommand {
  const digests: string[] = [];
  for (let found = matchDigest(scanner); found !== null; found = matchDigest(scanner)) {
    digests.push(`${found[1]}:${found[2]}`);
    scanner.take(',');
  }
  const negated = scanner.negated();
  const word = scanner.match(/ALL(?![A-Za-z0-9_])|[A-Z][A-Z0-9_]*(?=[\s,:]|$)/y)?.[0];
  if (word !== undefined) return {negated, kind: word === 'ALL' ? 'all' : 'alias', text: word, digests};
  const edit = scanner.match(/sudoedit(?=[\s,:]|$)/y)?.[0];
  const path = edit ?? scanner.match(commandPath)?.[0] ?? scanner.match(/list(?=[\s,:]|$)/y)?.[0];
  if (path === undefined) throw new SudoersFault(`a command was wanted at "${scanner.rest.slice(0, 20)}"`);
  const given = pathOnly || path.endsWith('/') ? '' : (scanner.match(commandArguments)?.[0] ?? '').trim();
  const text = [path, ...given.split(/[ \t]+/)]
    .filter(part => part !== '')
    .join(' ')
    .replace(/\\([:,= \t#\\])/g, '$1');
  return {negated, kind: edit === undefined ? (/^[/^]/.test(path) ? 'path' : 'word') : 'edit', text, digests};
}

const matchDigest = (scanner: SudoersScanner) =>
  scanner.match(/(sha(?:224|256|384|512))[ \t]*:[ \t]*([A-Za-z0-9+/=]+)(?=[ \t,])/y);
