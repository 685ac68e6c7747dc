import {type Answer, absent, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {SettingFact, SettingRequest, SettingValue} from '../../../../policies/facts/setting.ts';
import type {Host} from '../../host.ts';
import {parseSudoers} from './parse/sudoers.ts';
import {maxIncludeDepth, Reading, type SettingReader, settingFact} from './reader.ts';
import {sudoDefault} from './sudoers-defaults.ts';
import {
  commandText,
  memberText,
  type PlacedStatement,
  resolveSudoers,
  type Sudoers,
  type SudoRule,
  type SudoSetting,
} from './sudoers-model.ts';

const mainFile = '/etc/sudoers';

/** What sudo reads from `file` and the files that it includes; `unseen` when any part of it could not be read or understood. */
export async function readSudoers(host: Host, file = mainFile): Promise<Answer<Sudoers>> {
  const reading = new Reading(host);
  const statements: PlacedStatement[] = [];
  await readFile(host, reading, file, [], statements);
  if (reading.read.length === 0 && reading.unreadable.length === 0) return absent(`${file} does not exist`);
  const {problems, ...sudoers} = resolveSudoers(statements);
  const reasons = [...reading.unreadable, ...problems];
  return reasons.length > 0
    ? unseen(reasons.slice(0, 3).join('; '))
    : seen({...sudoers, read: reading.read}, reading.read);
}

async function readFile(
  host: Host,
  reading: Reading,
  path: string,
  trail: string[],
  statements: PlacedStatement[],
): Promise<void> {
  if (trail.includes(path) || trail.length >= maxIncludeDepth) {
    reading.fail(
      `cannot read ${path}: ${trail.includes(path) ? 'it includes itself' : `includes are nested more than ${maxIncludeDepth} deep`}`,
    );
    return;
  }
  const text = await reading.text(path);
  if (text === null) return;
  for (const statement of parseSudoers(text)) {
    if (statement.kind !== 'include') {
      statements.push({...statement, path});
      continue;
    }
    const target = await includePath(host, reading, path, statement.path);
    if (target === null) continue;
    const files = statement.directory ? await directoryFiles(host, reading, target) : [target];
    for (const file of files) await readFile(host, reading, file, [...trail, path], statements);
  }
}

/** `%h` is the host's short name; a relative path is looked for beside the file that names it. */
async function includePath(host: Host, reading: Reading, from: string, path: string): Promise<string | null> {
  let full = path.startsWith('/') ? path : `${from.slice(0, from.lastIndexOf('/'))}/${path}`;
  if (!full.includes('%')) return full;
  const hostname = await host.fs.readFile('/etc/hostname', {maxBytes: 256});
  if (full.includes('%h') && !hostname.ok) return reading.fail(`cannot read ${full}: ${hostname.reason}`);
  const short = hostname.ok ? (hostname.value.bytes.toString('utf8').trim().split('.')[0] as string) : '';
  full = full.replaceAll(/%([%h])/g, (_, letter: string) => (letter === 'h' ? short : '%'));
  return full;
}

/** The files of an @includedir in the order of their names; those that end in `~` or hold a dot are left out. */
async function directoryFiles(host: Host, reading: Reading, directory: string): Promise<string[]> {
  const list = await host.fs.list(directory);
  if (!list.ok) {
    if (list.code !== 'absent') reading.fail(list.reason);
    return [];
  }
  const paths: string[] = [];
  for (const name of list.value.names.filter(name => !name.endsWith('~') && !name.includes('.')).sort()) {
    const stat = await host.fs.stat(`${directory}/${name}`);
    if (!stat.ok && stat.code !== 'absent') reading.fail(stat.reason);
    if (stat.ok && stat.value.type === 'file') paths.push(`${directory}/${name}`);
  }
  return paths;
}

/** `Defaults.NAME`, or `tags`. */
export const readSudoersSetting: SettingReader = async (request, looking) => {
  const file = request.files[0] ?? mainFile;
  const answer = await looking.once(`sudoers ${file}`, () => readSudoers(looking.host, file));
  if (answer.state !== 'seen') return answer;
  const fact =
    request.key === 'tags'
      ? tagsFact(answer.value.rules, file)
      : await defaultsFact(request, answer.value, looking, file);
  return seen(
    settingFact({...fact, change: {file: '/etc/sudoers.d/reeve', before: null, after: `visudo -c -f ${file}`}}),
    answer.where,
  );
};

const origin = (where: string, file: string): SettingValue['origin'] =>
  where.startsWith(`${file}:`) ? 'main' : 'drop-in';

function tagsFact(rules: SudoRule[], file: string): Partial<SettingFact> {
  const values = rules.map(({users, hosts, runAs, tags, commands, where}) => {
    const as =
      runAs === null
        ? ''
        : ` as ${[...runAs.users, ...runAs.groups.map(group => ({...group, name: `:${group.name}`}))].map(memberText).join(',') || 'themselves'}`;
    const text = `${[...tags, ...commands.map(commandText)].join(' ')}${as} for ${users.map(memberText).join(',')} on ${hosts.map(memberText).join(',')}`;
    return {value: text, where, origin: origin(where, file)};
  });
  return {values};
}

async function defaultsFact(
  request: SettingRequest,
  sudoers: Sudoers,
  looking: Parameters<SettingReader>[1],
  file: string,
): Promise<Partial<SettingFact>> {
  const name = request.key.replace(/^Defaults\./, '');
  const entries = sudoers.defaults.filter(entry => entry.name === name);
  const shared = entries.filter(({scope}) => scope === null);
  const settled = settle([], shared, file);
  const conditional = entries
    .filter(({scope}) => scope !== null)
    .map(entry => ({
      condition: scopeText(entry),
      where: entry.where,
      values: settle(settled.values, [entry], file).values,
    }));
  return {...settled, conditional, default: await sudoDefault(name, looking)};
}

/** What a row of settings leaves: `=`, `on` and `off` take the place of what was before, `+=` and `-=` change the list. */
function settle(
  before: SettingValue[],
  entries: SudoSetting[],
  file: string,
): {values: SettingValue[]; overridden: SettingValue[]} {
  let values = before;
  const overridden: SettingValue[] = [];
  for (const {operator, value, where} of entries) {
    const made = (text: string): SettingValue => ({value: text, where, origin: origin(where, file)});
    const words = value.split(/[ \t]+/).filter(word => word !== '');
    if (operator === '+=') values = [...values, ...words.map(made)];
    else if (operator === '-=') values = values.filter(kept => !words.includes(kept.value));
    else {
      overridden.push(...values);
      values = [made(operator === 'on' ? 'true' : operator === 'off' ? 'false' : value)];
    }
  }
  return {values, overridden};
}

function scopeText({scope}: SudoSetting): string {
  if (scope === null) return '';
  const names = scope.kind === 'command' ? scope.commands.map(commandText) : scope.members.map(memberText);
  const words = {user: 'for', runas: 'run as', host: 'on', command: 'for'} as const;
  return `${words[scope.kind]} ${names.join(',')}`;
}
