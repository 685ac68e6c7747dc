import type {Expectation} from '../../expect.ts';
import type {SettingFact, SettingFormat} from '../../facts/setting.ts';

type CureCheck = Expectation & {format: SettingFormat; key: string; section?: string};

/** What to write where so that the setting is as wanted; undefined where the expectation names no single value. */
export function cureOf(
  check: CureCheck,
  fact: Pick<SettingFact, 'values' | 'change'>,
  unit?: string,
): string | undefined {
  const {change} = fact;
  if (change === null) return undefined;
  const before = change.before === null ? '' : `, before ${change.before}, which wins now`;
  const after = change.after === null ? '' : `, then ${change.after}`;
  const edit = editOf(check, fact.values, unit);
  return edit === undefined ? undefined : `${edit} in ${change.file}${before}${after}`;
}

function editOf(check: CureCheck, values: SettingFact['values'], unit?: string): string | undefined {
  // Between two bounds the upper one is the less drastic change.
  const wanted = check.is ?? check.in?.[0] ?? check.at_most ?? check.at_least;
  if (wanted !== undefined) return `set "${lineOf(check, String(wanted))}"`;
  if (check.contains !== undefined) return `add ${check.contains.join(', ')} to ${nameOf(check, unit)}`;
  const unwanted =
    presentOf(check.contains_none, values) ?? check.not_in ?? (check.is_not === undefined ? undefined : [check.is_not]);
  if (unwanted !== undefined) return `take ${unwanted.join(', ')} out of ${nameOf(check, unit)}`;
  if (check.present === true) return `set ${nameOf(check, unit)}`;
  return values.length > 0 ? `remove ${nameOf(check, unit)} (${values.map(({where}) => where).join(', ')})` : undefined;
}

/** The unwanted members that are set; all of them where the program's own list holds them. */
function presentOf(unwanted: CureCheck['contains_none'], values: SettingFact['values']): typeof unwanted {
  const members = new Set(values.flatMap(({value}) => value.split(/[\s,]+/)));
  const present = unwanted?.filter(member => members.has(String(member))) ?? [];
  return present.length > 0 ? present : unwanted;
}

const nameOf = ({section, key}: CureCheck, unit?: string): string =>
  `${section === undefined ? key : `[${section}] ${key}`}${unit === undefined ? '' : ` of ${unit}`}`;

/** The assignment in the format's own words. */
function lineOf({format, section, key}: CureCheck, value: string): string {
  switch (format) {
    case 'sshd':
    case 'login.defs':
    case 'limits':
    case 'modprobe':
      return `${key} ${value}`;
    case 'env':
      return `${key}=${value}`;
    case 'key-value':
      return `${key} = ${value}`;
    case 'ini':
      return section === undefined ? `${key} = ${value}` : `[${section}] ${key} = ${value}`;
    case 'gcfg':
      return sectioned(key, value, ' = ');
    case 'systemd-unit':
    case 'systemd-conf': {
      const variable = /^([^.]+)\.Environment\.(.+)$/.exec(key);
      return variable === null ? sectioned(key, value, '=') : `[${variable[1]}] Environment=${variable[2]}=${value}`;
    }
    case 'apt.conf':
      return `${key} "${value}";`;
    case 'json':
    case 'yaml':
    case 'toml':
      return `${section === undefined ? '' : `${section}.`}${key}: ${value}`;
    case 'pam': {
      const [type = '', module = ''] = key.split(/\s+/);
      return `${type} ${value.replace(/^(\[[^\]]*\]|\S+)/, `$1 ${module}`)}`;
    }
    case 'sudoers':
      return sudoersLine(key, value);
    case 'grub':
      return `${key}=${value}`;
  }
}

function sectioned(key: string, value: string, sign: string): string {
  const dot = key.lastIndexOf('.');
  return `[${key.slice(0, dot)}] ${key.slice(dot + 1)}${sign}${value}`;
}

function sudoersLine(key: string, value: string): string {
  const name = key.replace(/^Defaults\./, '');
  return value === 'true'
    ? `Defaults ${name}`
    : value === 'false'
      ? `Defaults !${name}`
      : `Defaults ${name}="${value}"`;
}
