import Type, {type Static} from 'typebox';
import {compareExpectation, expectationKeys, flipExpectation, operatorsOf, wantedText} from '../expect.ts';
import {withoutValue} from '../facts/answer.ts';
import {
  type SettingFact,
  type SettingFormat,
  type SettingRequest,
  type SettingValue,
  settingFormats,
} from '../facts/setting.ts';
import {type Comparison, type Judgement, judged} from '../finding.ts';
import {defineKind} from './kind.ts';
import {cureOf} from './setting/cure.ts';
import {listOf} from './shared.ts';

const fileText = Type.String({
  minLength: 1,
  maxLength: 4096,
  wanted: 'an absolute path, or for pam the name of a service',
});

const schema = Type.Object(
  {
    format: Type.Enum([...settingFormats], {wanted: `one of ${settingFormats.join(', ')}`}),
    file: Type.Optional(
      Type.Union([fileText, Type.Array(fileText, {minItems: 1, maxItems: 64})], {
        wanted: 'an absolute path or a list of them',
      }),
    ),
    unit: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9:_.@\\\\-]+\\.[a-z]+$',
        maxLength: 255,
        wanted: 'the name of a systemd unit, such as "ssh.service"',
      }),
    ),
    section: Type.Optional(Type.String({maxLength: 1024})),
    key: Type.String({minLength: 1, maxLength: 1024}),
    default: Type.Optional(Type.String({maxLength: 4096})),
    match: Type.Optional(Type.Enum(['any', 'global'], {wanted: '"any" or "global"'})),
    ...expectationKeys,
  },
  {additionalProperties: false},
);
type SettingCheck = Static<typeof schema>;

/** Formats that have no usual place, so that the rule must name the file. */
const needsFile = new Set<SettingFormat>([
  'env',
  'gcfg',
  'ini',
  'json',
  'key-value',
  'pam',
  'systemd-conf',
  'toml',
  'yaml',
]);
const keyShapes: Array<[formats: SettingFormat[], shape: RegExp, wanted: string]> = [
  [['gcfg', 'systemd-conf', 'systemd-unit'], /^[^.]+.*\.[^.]+$/s, 'Section.Key'],
  [['pam'], /^(?:auth|account|password|session)\s+\S+$/, 'a type and a module, such as "password pam_pwquality.so"'],
  [['limits'], /^\S+\s+(?:soft|hard|-)\s+\S+$/, 'a domain, a type and an item, such as "* hard core"'],
  [['modprobe'], /^(?:install|remove|blacklist|options)\s+\S+$/, 'a command and a module, such as "install cramfs"'],
  [['sudoers'], /^(?:Defaults\.[a-z_]+|tags)$/, '"Defaults.NAME" or "tags"'],
  [['grub'], /^(?:password|superusers|cmdline)$/, '"password", "superusers" or "cmdline"'],
];

export const settingKind = defineKind<typeof schema>({
  name: 'setting',
  summary: 'One setting of a program as the program reads it: includes, drop-ins, defaults and precedence resolved.',
  schema,
  problems,
  canBeEmpty: () => true,
  wants: check => [{fact: 'setting', ...requestOf(check)}],
  judge: (check, facts): Judgement[] => {
    const answer = facts.get({fact: 'setting', ...requestOf(check)});
    const subject = subjectOf(check);
    if (answer.state === 'unseen' || answer.state === 'live-only') return [withoutValue(subject, answer)];
    if (answer.state === 'absent') return [{subject, verdict: 'none', reason: answer.reason}];
    return [judgeFact(check, subject, answer.value, answer.where)];
  },
  flips: check => flipExpectation(check),
  looks: check =>
    `Reads ${check.key} as ${programOf(check)} does, with all files that belong to it, and which of them wins.`,
  wanted: check => `${subjectOf(check)}: ${wantedText(check)}`,
});

function problems(check: SettingCheck): Array<{at: string[]; message: string}> {
  const found: Array<{at: string[]; message: string}> = [];
  const {format, key} = check;
  if (operatorsOf(check).length === 0)
    found.push({at: [], message: 'nothing is expected: give "is", "in", "at_least" or the like'});
  if (needsFile.has(format) && check.file === undefined)
    found.push({at: [], message: `"${format}" has no usual file: give "file"`});
  if ((format === 'systemd-unit') !== (check.unit !== undefined))
    found.push({at: [], message: '"unit" goes with the format systemd-unit, and it needs one'});
  if (check.match !== undefined && format !== 'sshd')
    found.push({at: ['match'], message: '"match" is for the format sshd'});
  for (const file of listOf(check.file))
    if (!file.startsWith('/') && (format !== 'pam' || file.includes('/')))
      found.push({at: ['file'], message: `"${file}" is not an absolute path`});
  const shape = keyShapes.find(([formats]) => formats.includes(format));
  if (shape !== undefined && !shape[1].test(key))
    found.push({at: ['key'], message: `"${key}" found, ${shape[2]} wanted`});
  return found;
}

function requestOf(check: SettingCheck): SettingRequest {
  return {
    format: check.format,
    files: listOf(check.file),
    key: check.key,
    ...(check.unit === undefined ? {} : {unit: check.unit}),
    ...(check.section === undefined ? {} : {section: check.section}),
  };
}

const programs = new Map<SettingFormat, string>([
  ['apt.conf', 'apt'],
  ['grub', 'GRUB'],
  ['limits', 'pam_limits'],
  ['login.defs', 'login.defs'],
  ['modprobe', 'modprobe'],
  ['sshd', 'sshd'],
  ['sudoers', 'sudo'],
]);

const programOf = (check: SettingCheck): string =>
  check.unit ?? (listOf(check.file).join(', ') || (programs.get(check.format) ?? check.format));

/** `sshd PermitRootLogin`, `/etc/x.conf [main] key` */
const subjectOf = (check: SettingCheck): string =>
  [programOf(check), check.section === undefined ? null : `[${check.section}]`, check.key]
    .filter(part => part !== null)
    .join(' ');

function judgeFact(check: SettingCheck, subject: string, fact: SettingFact, read: string[]): Judgement {
  const own = defaultOf(check, fact);
  if (own !== null && 'unseen' in own && fact.values.length === 0)
    return {subject, verdict: 'unknown', reason: own.unseen};
  const known = own !== null && 'value' in own ? own : null;
  const compared: Comparison[] = [compareValues(check, check.key, fact.values, known)];
  const where = fact.values.length > 0 ? placesOf(fact.values) : read;
  const cures = compared[0]?.ok ? [] : [cureOf(check, fact, check.unit)];
  for (const {condition, where: place, values} of check.match === 'global' ? [] : fact.conditional) {
    const comparison = compareValues(check, `${check.key} in ${condition} (${place})`, values, known);
    compared.push(comparison);
    if (comparison.ok) continue;
    where.push(place);
    cures.push(`change or remove ${check.key} in ${condition} at ${placesOf(values).join(', ') || place}`);
  }
  const cure = [...new Set(cures.filter(text => text !== undefined))].join('; ');
  return judged(subject, compared, {
    where: [...new Set(where)],
    scope: 'persistent',
    cure: cure === '' ? undefined : cure,
  });
}

/** The program's own value where reeve knows it, else the rule's. */
function defaultOf(
  check: SettingCheck,
  fact: SettingFact,
): {value: string; source: string | null} | {unseen: string} | null {
  if (fact.default !== null && 'value' in fact.default) return fact.default;
  return check.default === undefined ? fact.default : {value: check.default, source: null};
}

const placesOf = (values: SettingValue[]): string[] => [...new Set(values.map(({where}) => where))];

/**
 * Compares what is set, or the program's own value when nothing is. Whether something is `present` asks for what is
 * set alone. `actual` says of a default that it is one.
 */
function compareValues(
  check: SettingCheck,
  what: string,
  values: SettingValue[],
  own: {value: string; source: string | null} | null,
): Comparison {
  if (values.length > 0 || own === null)
    return compareExpectation(
      what,
      check,
      values.map(({value}) => value),
    );
  const {present, ...rest} = check;
  const comparison = compareExpectation(what, rest, own.value);
  const ok = comparison.ok && present !== true;
  return {
    ...comparison,
    expected: wantedText(check),
    actual: `${own.value} (default${own.source === null ? '' : ` of ${own.source}`})`,
    ok,
  };
}
