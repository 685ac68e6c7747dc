import type {Answer} from '../../facts/answer.ts';
import type {Facts} from '../../facts/index.ts';
import type {SettingFact, SettingFormat, SettingRequest} from '../../facts/setting.ts';
import {listOf} from '../shared.ts';

/** Where one setting stands. Several keys are names of the same setting, as when a program renamed it. */
export type SettingPlace = {
  format: SettingFormat;
  key: string | string[];
  file?: string | string[];
  unit?: string;
  section?: string;
  default?: string;
  repeated?: 'all' | 'last';
};

/** What one of the names gave. */
export type Found = {key: string; fact: SettingFact};

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

export function placeProblems(place: SettingPlace): Array<{at: string[]; message: string}> {
  const found: Array<{at: string[]; message: string}> = [];
  const {format} = place;
  if (needsFile.has(format) && place.file === undefined)
    found.push({at: [], message: `"${format}" has no usual file: give "file"`});
  if ((format === 'systemd-unit') !== (place.unit !== undefined))
    found.push({at: [], message: '"unit" goes with the format systemd-unit, and it needs one'});
  for (const file of listOf(place.file))
    if (!file.startsWith('/') && (format !== 'pam' || file.includes('/')))
      found.push({at: ['file'], message: `"${file}" is not an absolute path`});
  const shape = keyShapes.find(([formats]) => formats.includes(format));
  for (const key of listOf(place.key))
    if (shape !== undefined && !shape[1].test(key))
      found.push({at: ['key'], message: `"${key}" found, ${shape[2]} wanted`});
  return found;
}

export const requestsOf = (place: SettingPlace): SettingRequest[] =>
  listOf(place.key).map(key => ({
    format: place.format,
    files: listOf(place.file),
    key,
    ...(place.unit === undefined ? {} : {unit: place.unit}),
    ...(place.section === undefined ? {} : {section: place.section}),
  }));

/** What each of the names gave. One that could not be looked up leaves the whole unseen: it might be the one that is set. */
export function readPlace(
  place: SettingPlace,
  facts: Facts,
): {state: 'seen'; found: Found[]; where: string[]} | Exclude<Answer<never>, {state: 'seen'}> {
  const found: Found[] = [];
  const where: string[] = [];
  let missing: string | null = null;
  for (const request of requestsOf(place)) {
    const answer = facts.get({fact: 'setting', ...request});
    if (answer.state === 'unseen' || answer.state === 'live-only') return answer;
    if (answer.state === 'absent') missing = answer.reason;
    else {
      found.push({key: request.key, fact: place.repeated === 'last' ? lastOnly(answer.value) : answer.value});
      where.push(...answer.where);
    }
  }
  if (found.length === 0 && missing !== null) return {state: 'absent', reason: missing, where: []};
  return {state: 'seen', found, where: [...new Set(where)]};
}

const lastOnly = (fact: SettingFact): SettingFact => ({
  ...fact,
  values: fact.values.slice(-1),
  overridden: [...fact.overridden, ...fact.values.slice(0, -1)],
});

const programs = new Map<SettingFormat, string>([
  ['apt.conf', 'apt'],
  ['grub', 'GRUB'],
  ['limits', 'pam_limits'],
  ['login.defs', 'login.defs'],
  ['modprobe', 'modprobe'],
  ['sshd', 'sshd'],
  ['sudoers', 'sudo'],
]);

export const programOf = (place: SettingPlace): string =>
  place.unit ?? (listOf(place.file).join(', ') || (programs.get(place.format) ?? place.format));

/** `sshd PermitRootLogin`, `/etc/x.conf [main] key` */
export const nameOfPlace = (place: SettingPlace): string =>
  [programOf(place), place.section === undefined ? null : `[${place.section}]`, listOf(place.key).join(' or ')]
    .filter(part => part !== null)
    .join(' ');
