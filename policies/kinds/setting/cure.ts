import type {Expectation} from '../../expect.ts';
import type {SettingFact, SettingFormat} from '../../facts/setting.ts';

type CureCheck = Expectation & {format: SettingFormat; key: string; section?: string};

/** What to write where so that the setting is as wanted; undefined where reeve knows no place for it. */
export function cureOf(
  check: CureCheck,
  {values, change}: Pick<SettingFact, 'values' | 'change'>,
  unit?: string,
): string | undefined {
  if (change === null) return undefined;
  const before = change.before === null ? '' : `, before ${change.before}, which wins now`;
  const inFile = (edit: string) => `${edit} in ${change.file}${before}`;
  const places = placesText(values.map(({where}) => where));
  const name = nameOf(check, unit);
  const edit = () => {
    const wanted = check.is ?? check.in?.[0] ?? check.at_most ?? check.at_least;
    if (wanted !== undefined) return inFile(`set ${quoted(lineOf(check, String(wanted)))}`);
    if (check.contains !== undefined) {
      const members = check.contains.join(', ');
      return places === '' ? inFile(`set ${name} to hold ${members}`) : `add ${members} to ${name} at ${places}`;
    }
    const unwanted = check.contains_none ?? check.not_in ?? (check.is_not === undefined ? undefined : [check.is_not]);
    if (unwanted !== undefined) {
      const members = unwanted.join(', ');
      const holding = values.filter(({value}) => unwanted.some(text => holds(value, String(text))));
      const at = placesText((holding.length > 0 ? holding : values).map(({where}) => where));
      return at === '' ? inFile(`set ${name} without ${members}`) : `take ${members} out of ${name} at ${at}`;
    }
    return check.present ? inFile(`set ${name}`) : `remove ${name} at ${places}`;
  };
  return `${edit()}${change.after === null ? '' : `, then ${change.after}`}`;
}

const holds = (value: string, unwanted: string): boolean =>
  value === unwanted || value.split(/[\s,]+/).includes(unwanted);

const maxPlaces = 5;

function placesText(places: string[]): string {
  const different = [...new Set(places)];
  const rest = different.length - maxPlaces;
  return different.slice(0, maxPlaces).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

const quoted = (line: string): string => (line.includes('"') ? `'${line}'` : `"${line}"`);

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
