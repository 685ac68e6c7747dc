import {X509Certificate} from 'node:crypto';
import type {Static} from 'typebox';
import * as Type from 'typebox';
import {withoutValue} from '../facts/answer.ts';
import {type FileFact, type FileRequest, type FileStat, fileTypes} from '../facts/file.ts';
import {type Comparison, type Judgement, judged} from '../finding.ts';
import {defineKind} from './kind.ts';
import {
  formatMode,
  listOf,
  modeText,
  nameMatches,
  nameOrNames,
  orList,
  parseMode,
  pathOrPaths,
  shellWord,
  showName,
  symbolicMode,
} from './shared.ts';

const texts = Type.Array(Type.String({minLength: 1, maxLength: 1024}), {
  minItems: 1,
  maxItems: 64,
  wanted: 'a list of texts',
});

const schema = Type.Object(
  {
    path: pathOrPaths,
    exists: Type.Optional(Type.Boolean()),
    follow: Type.Optional(Type.Boolean()),
    type: Type.Optional(Type.Enum([...fileTypes], {wanted: `one of ${fileTypes.join(', ')}`})),
    owner: Type.Optional(nameOrNames),
    group: Type.Optional(nameOrNames),
    mode_at_most: Type.Optional(modeText),
    mode_at_least: Type.Optional(modeText),
    parents: Type.Optional(Type.Literal('safe', {wanted: '"safe"'})),
    lines_include: Type.Optional(texts),
    lines_exclude: Type.Optional(texts),
    text_includes: Type.Optional(texts),
    text_excludes: Type.Optional(texts),
    certificate_valid_days: Type.Optional(Type.Integer({minimum: 1, maximum: 3650})),
  },
  {additionalProperties: false},
);
type FileCheck = Static<typeof schema>;

const expectations = [
  'exists',
  'type',
  'owner',
  'group',
  'mode_at_most',
  'mode_at_least',
  'parents',
  'lines_include',
  'lines_exclude',
  'text_includes',
  'text_excludes',
  'certificate_valid_days',
] as const;
const contentMaxBytes = 256 * 1024;

export const fileKind = defineKind<typeof schema>({
  name: 'file',
  summary:
    'One path, or the paths that a pattern matches: existence, type, owner, permission bounds, lines, certificate.',
  schema,
  problems: check =>
    expectations.some(key => check[key] !== undefined)
      ? check.exists === false && expectations.some(key => key !== 'exists' && check[key] !== undefined)
        ? [{at: ['exists'], message: 'a file that must not exist can have no other expectations'}]
        : []
      : [{at: [], message: `nothing is expected: give at least one of ${expectations.join(', ')}`}],
  canBeEmpty: check => check.exists === undefined,
  wants: check => listOf(check.path).map(path => requestOf(check, path)),
  judge: (check, facts, {now}) => {
    const judgements = listOf(check.path).flatMap((path): Judgement[] => {
      const answer = facts.get(requestOf(check, path));
      if (answer.state === 'unseen' || answer.state === 'live-only') return [withoutValue(path, answer)];
      const files = answer.state === 'seen' ? answer.value : [];
      if (files.length === 0) return [missing(check, path)];
      return files.map(file =>
        'unseen' in file ? {subject: file.path, verdict: 'unknown', reason: file.unseen} : judgeFile(check, file, now),
      );
    });
    const found = judgements.filter(({verdict}) => verdict !== 'none');
    return found.length > 0 ? found : judgements.slice(0, 1);
  },
  flips: check =>
    expectations.flatMap(key => {
      if (check[key] === undefined) return [];
      const {[key]: value, ...rest} = check;
      return [{what: key, check: {...rest, ...flip(key, value)} as FileCheck}];
    }),
  looks: check => {
    const content = wantsContent(check) ? ' and reads its content' : '';
    return `Looks at ${orList(listOf(check.path))}${check.follow ? ', following a link' : ' itself, not through a link'}${content}.`;
  },
  wanted: check => {
    const parts = [
      check.exists === undefined ? '' : check.exists ? 'exists' : 'does not exist',
      check.type === undefined ? '' : `is a ${check.type}`,
      check.owner === undefined ? '' : `owner ${orList(listOf(check.owner))}`,
      check.group === undefined ? '' : `group ${orList(listOf(check.group))}`,
      check.mode_at_most === undefined ? '' : `mode at most ${check.mode_at_most}`,
      check.mode_at_least === undefined ? '' : `mode at least ${check.mode_at_least}`,
      check.parents === undefined ? '' : 'in directories that only root changes',
      check.lines_include === undefined ? '' : `has the lines ${check.lines_include.join('; ')}`,
      check.lines_exclude === undefined ? '' : `has none of the lines ${check.lines_exclude.join('; ')}`,
      check.text_includes === undefined ? '' : `holds ${check.text_includes.join('; ')}`,
      check.text_excludes === undefined ? '' : `holds none of ${check.text_excludes.join('; ')}`,
      check.certificate_valid_days === undefined
        ? ''
        : `certificates valid for ${check.certificate_valid_days} more days`,
    ];
    return `${listOf(check.path).join(', ')}: ${parts.filter(part => part !== '').join(', ')}`;
  },
});

function requestOf(check: FileCheck, path: string): FileRequest & {fact: 'file'} {
  return {
    fact: 'file',
    path,
    follow: check.follow ?? false,
    ...(wantsContent(check) ? {contentMaxBytes} : {}),
    ...(check.parents === undefined ? {} : {parents: true}),
  };
}

const wantsContent = (check: FileCheck) =>
  [
    check.lines_include,
    check.lines_exclude,
    check.text_includes,
    check.text_excludes,
    check.certificate_valid_days,
  ].some(value => value !== undefined);

function missing(check: FileCheck, path: string): Judgement {
  if (check.exists === undefined) return {subject: path, verdict: 'none', reason: `${path} does not exist`};
  return judged(path, [{what: 'exists', expected: check.exists, actual: false, ok: !check.exists}], {
    where: [path],
    scope: 'persistent',
  });
}

function judgeFile(check: FileCheck, file: FileFact, now: number): Judgement {
  const compared: Comparison[] = [];
  const cures: string[] = [];
  const add = (comparison: Comparison, cure?: string) => {
    compared.push(comparison);
    if (!comparison.ok && cure !== undefined) cures.push(cure);
  };
  const word = shellWord(file.path);
  if (check.exists !== undefined) {
    add({what: 'exists', expected: check.exists, actual: true, ok: check.exists}, `remove ${word}`);
    if (!check.exists)
      return judged(file.path, compared, {where: [file.path], scope: 'persistent', cure: cures.join('; ')});
  }
  if (check.type !== undefined)
    add({what: 'type', expected: check.type, actual: file.type, ok: file.type === check.type});
  if (check.owner !== undefined) {
    const wanted = listOf(check.owner);
    add(
      {
        what: 'owner',
        expected: orList(wanted),
        actual: showName(file.owner, file.uid),
        ok: nameMatches(file.owner, file.uid, wanted),
      },
      `chown ${wanted[0]} ${word}`,
    );
  }
  if (check.group !== undefined) {
    const wanted = listOf(check.group);
    add(
      {
        what: 'group',
        expected: orList(wanted),
        actual: showName(file.group, file.gid),
        ok: nameMatches(file.group, file.gid, wanted),
      },
      `chgrp ${wanted[0]} ${word}`,
    );
  }
  if (file.type !== 'link') addMode(check, file, word, add);
  else if (check.mode_at_most !== undefined || check.mode_at_least !== undefined) {
    add(
      {what: 'type', expected: 'not a link', actual: `link to ${file.target ?? 'an unread target'}`, ok: false},
      `replace the link ${word} by the file itself`,
    );
  }
  if (check.parents !== undefined) add(...judgeParents(file.parents ?? []));
  if (wantsContent(check)) {
    const content = file.content;
    if (content === null)
      return {
        subject: file.path,
        verdict: 'unknown',
        reason: `${file.path} is a ${file.type}, so it has no content to read`,
      };
    if (content.state === 'unseen') return {subject: file.path, verdict: 'unknown', reason: content.reason};
    if (content.truncated)
      return {
        subject: file.path,
        verdict: 'unknown',
        reason: `${file.path} is larger than ${contentMaxBytes} bytes, so not all of it was read`,
      };
    for (const comparison of judgeContent(check, content.bytes, now)) add(comparison);
  }
  return judged(file.path, compared, {
    where: [file.path],
    scope: 'persistent',
    cure: cures.length > 0 ? cures.join('; ') : undefined,
  });
}

function addMode(
  check: FileCheck,
  file: FileFact,
  word: string,
  add: (comparison: Comparison, cure?: string) => void,
): void {
  const actual = formatMode(file.mode);
  if (check.mode_at_most !== undefined) {
    const over = file.mode & ~parseMode(check.mode_at_most);
    add({what: 'mode', expected: modeBounds(check), actual, ok: over === 0}, `chmod ${symbolicMode(over, 0)} ${word}`);
  }
  if (check.mode_at_least !== undefined) {
    const lacking = parseMode(check.mode_at_least) & ~file.mode;
    add(
      {what: 'mode', expected: modeBounds(check), actual, ok: lacking === 0},
      `chmod ${symbolicMode(0, lacking)} ${word}`,
    );
  }
}

const modeBounds = (check: FileCheck): string =>
  [check.mode_at_most && `at most ${check.mode_at_most}`, check.mode_at_least && `at least ${check.mode_at_least}`]
    .filter(Boolean)
    .join(' and ');

/** A parent is safe when root owns it and nobody else may write in it, except in a sticky directory. */
function judgeParents(parents: FileStat[]): [Comparison, string | undefined] {
  const unsafe = parents.find(({uid, mode}) => uid !== 0 || ((mode & 0o022) !== 0 && (mode & 0o1000) === 0));
  const actual =
    unsafe === undefined
      ? 'all safe'
      : `${unsafe.path} owner ${showName(unsafe.owner, unsafe.uid)}, mode ${formatMode(unsafe.mode)}`;
  return [
    {what: 'parents', expected: 'owned by root, not writable by others', actual, ok: unsafe === undefined},
    unsafe && `chown root ${shellWord(unsafe.path)}; chmod go-w ${shellWord(unsafe.path)}`,
  ];
}

function judgeContent(check: FileCheck, bytes: Uint8Array, now: number): Comparison[] {
  const text = Buffer.from(bytes).toString('utf8');
  const lines = new Set(text.split('\n').map(line => line.trim()));
  const compared: Comparison[] = [];
  if (check.lines_include !== undefined) {
    const lacking = check.lines_include.filter(line => !lines.has(line.trim()));
    compared.push({
      what: 'lines',
      expected: check.lines_include,
      actual: lacking.length > 0 ? `without ${lacking.join('; ')}` : 'all there',
      ok: lacking.length === 0,
    });
  }
  if (check.lines_exclude !== undefined) {
    const there = check.lines_exclude.filter(line => lines.has(line.trim()));
    compared.push({
      what: 'unwanted lines',
      expected: 'none',
      actual: there.length > 0 ? there : 'none',
      ok: there.length === 0,
    });
  }
  if (check.text_includes !== undefined) {
    const lacking = check.text_includes.filter(part => !text.includes(part));
    compared.push({
      what: 'text',
      expected: check.text_includes,
      actual: lacking.length > 0 ? `without ${lacking.join('; ')}` : 'all there',
      ok: lacking.length === 0,
    });
  }
  if (check.text_excludes !== undefined) {
    const there = check.text_excludes.filter(part => text.includes(part));
    compared.push({
      what: 'unwanted text',
      expected: 'none',
      actual: there.length > 0 ? there : 'none',
      ok: there.length === 0,
    });
  }
  if (check.certificate_valid_days !== undefined)
    compared.push(...judgeCertificates(check.certificate_valid_days, text, now));
  return compared;
}

const certificatePattern = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Every certificate of a PEM file, the chain's too, must be valid now and for the days to come (RFC 5280 §4.1.2.5). */
function judgeCertificates(days: number, text: string, now: number): Comparison[] {
  const expected = `valid now and for ${days} more days`;
  const blocks = text.match(certificatePattern) ?? [];
  if (blocks.length === 0)
    return [{what: 'certificate', expected, actual: 'no PEM certificate in the file', ok: false}];
  return blocks.slice(0, 20).map((block, index) => {
    const what = index === 0 ? 'certificate' : `chain certificate ${index}`;
    try {
      const {validFromDate, validToDate} = new X509Certificate(block);
      const ok = validFromDate.getTime() <= now && validToDate.getTime() >= now + days * 86_400_000;
      return {what, expected, actual: `valid from ${validFromDate.toISOString()} to ${validToDate.toISOString()}`, ok};
    } catch {
      return {what, expected, actual: 'not a readable X.509 certificate', ok: false};
    }
  });
}

function flip(key: (typeof expectations)[number], value: unknown): Partial<FileCheck> {
  switch (key) {
    case 'exists':
      return {exists: !value};
    case 'type':
      return {type: value === 'fifo' ? 'socket' : 'fifo'};
    case 'owner':
    case 'group':
      return {[key]: 'no-such-name'};
    case 'mode_at_most':
      return {mode_at_least: formatMode(~parseMode(value as string) & 0o7777 || 0o7777)};
    case 'mode_at_least':
      return {mode_at_most: formatMode(~parseMode(value as string) & 0o7777)};
    case 'parents':
      return {lines_include: ['reeve: no line like this']};
    case 'lines_include':
      return {lines_exclude: value as string[]};
    case 'lines_exclude':
      return {lines_include: value as string[]};
    case 'text_includes':
      return {text_excludes: value as string[]};
    case 'text_excludes':
      return {lines_include: ['reeve: no line like this']};
    case 'certificate_valid_days':
      return {certificate_valid_days: 3650};
  }
}
