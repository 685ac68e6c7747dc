import type {Static} from 'typebox';
import * as Type from 'typebox';
import {withoutValue} from '../facts/answer.ts';
import {type FileType, fileTypes} from '../facts/file.ts';
import type {TreeEntry, TreeFact, TreeRequest} from '../facts/tree.ts';
import {type Comparison, type Judgement, judged} from '../finding.ts';
import {defineKind} from './kind.ts';
import {
  absolutePath,
  formatMode,
  listOf,
  modeText,
  nameOrNames,
  orList,
  parseMode,
  pathOrPaths,
  shellWord,
  showName,
  symbolicMode,
} from './shared.ts';

const fileType = Type.Enum([...fileTypes], {wanted: `one of ${fileTypes.join(', ')}`});

const find = Type.Object(
  {
    type: Type.Optional(
      Type.Union([fileType, Type.Array(fileType, {minItems: 1, maxItems: 7})], {
        wanted: `one or several of ${fileTypes.join(', ')}`,
      }),
    ),
    mode_any: Type.Optional(modeText),
    mode_all: Type.Optional(modeText),
    mode_none: Type.Optional(modeText),
    owner: Type.Optional(nameOrNames),
    owner_not: Type.Optional(nameOrNames),
    owner_unknown: Type.Optional(Type.Boolean()),
    group: Type.Optional(nameOrNames),
    group_not: Type.Optional(nameOrNames),
    group_unknown: Type.Optional(Type.Boolean()),
    capability: Type.Optional(Type.Boolean()),
    name: Type.Optional(nameOrNames),
    secret_shapes: Type.Optional(Type.Boolean()),
  },
  {additionalProperties: false},
);
type Find = Static<typeof find>;

const paths = Type.Union([absolutePath, Type.Array(absolutePath, {minItems: 1, maxItems: 256})], {
  wanted: 'an absolute path or pattern, or a list of them',
});

const schema = Type.Object(
  {
    under: Type.Optional(pathOrPaths),
    except: Type.Optional(paths),
    find,
    allow: Type.Optional(paths),
    allow_packaged: Type.Optional(Type.Boolean()),
  },
  {additionalProperties: false},
);
type TreeCheck = Static<typeof schema>;

const modeKeys = ['mode_any', 'mode_all', 'mode_none'] as const;

export const treeKind = defineKind<typeof schema>({
  name: 'tree',
  summary:
    'Everything below some directories that should not be there: by type, mode, owner, name, capability, content.',
  schema,
  problems: check => [...emptyFind(check.find), ...linkModes(check.find), ...patternedUnder(check)],
  canBeEmpty: () => true,
  wants: check => [{fact: 'tree', ...requestOf(check)}],
  judge: (check, facts): Judgement[] => {
    const answer = facts.get({fact: 'tree', ...requestOf(check)});
    const subject = underText(check);
    if (answer.state === 'unseen' || answer.state === 'live-only') return [withoutValue(subject, answer)];
    if (answer.state === 'absent') return [{subject, verdict: 'none', reason: answer.reason}];
    return judgeTree(check, answer.value);
  },
  flips: check =>
    (Object.keys(check.find) as Array<keyof Find>).map(key => ({
      what: `find.${key}`,
      check: {...check, find: flipFind(check.find, key)},
    })),
  looks: check => {
    const except = listOf(check.except);
    const without = except.length > 0 ? `, without ${except.join(', ')}` : '';
    const packages = check.allow_packaged ? ' Found entries are looked up in the package database.' : '';
    return `Walks the local file systems below ${orList(listOf(check.under ?? '/'))}${without}, once for all tree rules.${packages}`;
  },
  wanted: check => {
    const except = [
      ...listOf(check.except),
      ...listOf(check.allow),
      ...(check.allow_packaged ? ['what packages brought'] : []),
    ];
    return `${underText(check)}: no ${findText(check.find)}${except.length > 0 ? `, but for ${except.join(', ')}` : ''}`;
  },
});

const underText = (check: TreeCheck) => listOf(check.under ?? '/').join(', ');

function emptyFind(wanted: Find): Array<{at: string[]; message: string}> {
  if (Object.keys(wanted).length > 0) return [];
  return [
    {at: ['find'], message: `nothing is looked for: give at least one of ${Object.keys(find.properties).join(', ')}`},
  ];
}

function linkModes(wanted: Find): Array<{at: string[]; message: string}> {
  const key = modeKeys.find(name => wanted[name] !== undefined);
  if (key === undefined || !listOf(wanted.type).includes('link')) return [];
  return [{at: ['find', key], message: 'the mode of a link means nothing: leave out the type "link", or the mode'}];
}

function patternedUnder({under}: TreeCheck): Array<{at: string[]; message: string}> {
  return listOf(under).some(path => /[*?]/.test(path))
    ? [{at: ['under'], message: '"under" takes directories, not patterns'}]
    : [];
}

function requestOf(check: TreeCheck): TreeRequest {
  const {find: wanted} = check;
  const mode = (key: (typeof modeKeys)[number]) => (wanted[key] === undefined ? undefined : parseMode(wanted[key]));
  const list = (value: string | string[] | undefined) => (value === undefined ? undefined : listOf(value));
  return {
    under: listOf(check.under ?? '/'),
    except: listOf(check.except),
    find: compact({
      types: list(wanted.type) as FileType[] | undefined,
      modeAny: mode('mode_any'),
      modeAll: mode('mode_all'),
      modeNone: mode('mode_none'),
      owners: list(wanted.owner),
      ownersNot: list(wanted.owner_not),
      ownerUnknown: wanted.owner_unknown,
      groups: list(wanted.group),
      groupsNot: list(wanted.group_not),
      groupUnknown: wanted.group_unknown,
      capability: wanted.capability,
      names: list(wanted.name),
      secretShapes: wanted.secret_shapes,
    }),
    allow: listOf(check.allow),
    allowPackaged: check.allow_packaged ?? false,
  };
}

function compact<T extends {[key: string]: unknown}>(properties: T): {[K in keyof T]?: Exclude<T[K], undefined>} {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined)) as never;
}

/** So rough that a finding is the same for as long as nothing of importance changed: files come and go all the time. */
const roughly = (count: number): string =>
  count < 10 ? String(count) : `${10 ** Math.floor(Math.log10(count))} or more`;

function judgeTree(check: TreeCheck, fact: TreeFact): Judgement[] {
  const {found, more, notSeen, notSeenMore, seen, allowed, leftOut} = fact;
  const subject = underText(check);
  if (found.length + more > 0) {
    const failures = found.map(entry => judgeEntry(check, entry));
    if (more === 0) return failures;
    const comparison = {what: 'entries', expected: `no ${findText(check.find)}`, actual: `${more} more`, ok: false};
    return [...failures, judged(`${more} more below ${subject}`, [comparison], {where: [], scope: 'persistent'})];
  }
  if (notSeen.length > 0) {
    const count = notSeen.length + notSeenMore;
    const rest = count > 3 ? `; and ${count - 3} more that could not be seen` : '';
    return [
      {
        subject,
        verdict: 'unknown',
        reason:
          notSeen
            .slice(0, 3)
            .map(({reason}) => reason)
            .join('; ') + rest,
      },
    ];
  }
  const notes = [
    `none of ${roughly(seen)} seen`,
    allowed > 0 ? `${allowed} allowed` : '',
    leftOut.length > 0
      ? `not entered: ${leftOut.slice(0, 5).join(', ')}${leftOut.length > 5 ? ` and ${leftOut.length - 5} more` : ''}`
      : '',
  ];
  const actual = notes.filter(note => note !== '').join('; ');
  return [
    judged(subject, [{what: 'entries', expected: `no ${findText(check.find)}`, actual, ok: true}], {
      where: listOf(check.under ?? '/'),
      scope: 'persistent',
    }),
  ];
}

/** A column for each thing that the rule speaks of, so that the reader sees which of them to change. */
function judgeEntry({find: wanted}: TreeCheck, entry: TreeEntry): Judgement {
  const compared: Comparison[] = [];
  const add = (what: string, expected: string, actual: string) => compared.push({what, expected, actual, ok: false});
  if (modeKeys.some(key => wanted[key] !== undefined)) add('mode', `not ${modeWords(wanted)}`, formatMode(entry.mode));
  if ((wanted.owner ?? wanted.owner_not ?? wanted.owner_unknown) !== undefined)
    add('owner', ownerWanted(wanted.owner, wanted.owner_not, wanted.owner_unknown), showName(entry.owner, entry.uid));
  if ((wanted.group ?? wanted.group_not ?? wanted.group_unknown) !== undefined)
    add('group', ownerWanted(wanted.group, wanted.group_not, wanted.group_unknown), showName(entry.group, entry.gid));
  if (wanted.capability !== undefined)
    add('capabilities', wanted.capability ? 'none' : 'some', entry.capabilities ?? 'none');
  if (wanted.secret_shapes !== undefined)
    add(
      'secrets',
      wanted.secret_shapes ? 'none' : 'some',
      entry.secrets.map(({shape, line}) => `${shape} in line ${line}`).join(', ') || 'none',
    );
  if (compared.length === 0)
    add(
      'found',
      `no ${findText(wanted)}`,
      `${entry.type}, owner ${showName(entry.owner, entry.uid)}, mode ${formatMode(entry.mode)}`,
    );
  if (entry.packageNote !== null) add('package', 'brings it so', entry.packageNote);
  const where = entry.secrets.length > 0 ? entry.secrets.map(({line}) => `${entry.path}:${line}`) : [entry.path];
  return judged(entry.path, compared, {where, scope: 'persistent', cure: cureOf(wanted, entry)});
}

function cureOf(wanted: Find, entry: TreeEntry): string {
  const word = shellWord(entry.path);
  if (wanted.secret_shapes) return `replace the secret where it is valid, then take it out of ${word}`;
  if (wanted.capability) return `setcap -r ${word}`;
  if (wanted.mode_none !== undefined && parseMode(wanted.mode_none) === 0o1000) return `chmod +t ${word}`;
  const bits = entry.mode & (parseMode(wanted.mode_any ?? '0000') | parseMode(wanted.mode_all ?? '0000'));
  if (bits !== 0) return `chmod ${symbolicMode(bits, 0)} ${word}`;
  if (wanted.mode_none !== undefined) return `chmod ${symbolicMode(0, parseMode(wanted.mode_none))} ${word}`;
  if ((wanted.owner ?? wanted.owner_not ?? wanted.owner_unknown) !== undefined)
    return `chown -h ${wanted.owner_not === undefined ? 'root' : listOf(wanted.owner_not)[0]} ${word}, or remove it`;
  if ((wanted.group ?? wanted.group_not ?? wanted.group_unknown) !== undefined)
    return `chgrp -h ${wanted.group_not === undefined ? 'root' : listOf(wanted.group_not)[0]} ${word}, or remove it`;
  return `rm ${entry.type === 'directory' ? '-r ' : ''}${word}, when nobody needs it`;
}

function ownerWanted(is: Find['owner'], isNot: Find['owner_not'], unknown: boolean | undefined): string {
  const parts = [
    is === undefined ? '' : `not ${orList(listOf(is))}`,
    isNot === undefined ? '' : orList(listOf(isNot)),
    unknown === undefined ? '' : unknown ? 'a name here' : 'no name here',
  ];
  return parts.filter(part => part !== '').join(' or ');
}

function modeWords({mode_any, mode_all, mode_none}: Find): string {
  const parts = [
    mode_any === undefined ? '' : `any of ${mode_any}`,
    mode_all === undefined ? '' : `all of ${mode_all}`,
    mode_none === undefined ? '' : `none of ${mode_none}`,
  ];
  return parts.filter(part => part !== '').join(' and ');
}

function findText(wanted: Find): string {
  const parts = [
    wanted.name === undefined ? '' : `named ${orList(listOf(wanted.name))}`,
    modeWords(wanted) === '' ? '' : `with ${modeWords(wanted)} set`,
    wanted.owner === undefined ? '' : `of ${orList(listOf(wanted.owner))}`,
    wanted.owner_not === undefined ? '' : `of others than ${orList(listOf(wanted.owner_not))}`,
    wanted.owner_unknown === undefined ? '' : `whose owner has ${wanted.owner_unknown ? 'no' : 'a'} name here`,
    wanted.group === undefined ? '' : `of group ${orList(listOf(wanted.group))}`,
    wanted.group_not === undefined ? '' : `of other groups than ${orList(listOf(wanted.group_not))}`,
    wanted.group_unknown === undefined ? '' : `whose group has ${wanted.group_unknown ? 'no' : 'a'} name here`,
    wanted.capability === undefined ? '' : `${wanted.capability ? 'with' : 'without'} capabilities`,
    wanted.secret_shapes === undefined ? '' : `${wanted.secret_shapes ? 'with' : 'without'} what looks like a secret`,
  ];
  const type = wanted.type === undefined ? 'entry' : orList(listOf(wanted.type));
  return [type, ...parts.filter(part => part !== '')].join(' ');
}

/** An entry that was found is not found by the flipped one. */
function flipFind(wanted: Find, key: keyof Find): Find {
  const {[key]: value, ...rest} = wanted;
  switch (key) {
    case 'type': {
      const others = fileTypes.filter(type => type !== 'link' && !listOf(value as string).includes(type));
      return {...rest, type: others.length > 0 ? others : ['fifo'], ...(others.length > 0 ? {} : {name: '/'})};
    }
    case 'mode_any':
    case 'mode_all':
      return {...rest, mode_none: formatMode(parseMode(value as string) | parseMode(wanted.mode_none ?? '0000'))};
    case 'mode_none':
      return {...rest, mode_any: value as string};
    case 'owner':
      return {...rest, owner_not: [...listOf(wanted.owner_not), ...listOf(wanted.owner)]};
    case 'owner_not':
      return {...rest, owner: listOf(wanted.owner_not)};
    case 'group':
      return {...rest, group_not: [...listOf(wanted.group_not), ...listOf(wanted.group)]};
    case 'group_not':
      return {...rest, group: listOf(wanted.group_not)};
    case 'name':
      return {...rest, name: '/'};
    default:
      return {...rest, [key]: !value};
  }
}
