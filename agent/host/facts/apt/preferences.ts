import type {Host} from '../../host.ts';
import {failed, type Look, looked} from '../../look.ts';
import {type ConfigFile, readConfigFile, readDirectory} from './directory.ts';
import {expressionTest, versionTest} from './match.ts';
import {stanzas} from './sources.ts';

/** Lower than any number that preferences may hold: `Pin-Priority: never`. */
export const never = -32_768;

/** A bound on what is compared with each installed package; real preferences have a few. */
const maxPins = 2000;

type Test = (text: string) => boolean;

/** What a pin speaks of. Tests that are not given hold for everything. */
export type Pin = {
  /** Names, patterns and `src:` names with an optional `:architecture`; null for `*`, every package. */
  packages: Array<{source: boolean; test: Test; architecture: string | null}> | null;
  match:
    | {type: 'version'; test: Test}
    | {type: 'origin'; test: Test}
    | {type: 'release'; all: boolean; fields: Map<ReleaseField, Test>};
  priority: number;
  where: string;
};

/** `release` stands for the archive or the codename. */
export type ReleaseField =
  | 'archive'
  | 'codename'
  | 'origin'
  | 'label'
  | 'version'
  | 'component'
  | 'architecture'
  | 'release';

/** apt_preferences(5): preferences, then preferences.d. A file that apt would refuse is a failed look. */
export async function readPreferences(host: Host): Promise<Look<Pin[]>> {
  const main = await readConfigFile(host, '/etc/apt/preferences');
  if (!main.ok) return main;
  const parts = await readDirectory(host, '/etc/apt/preferences.d', ['', 'pref']);
  if (!parts.ok) return parts;
  const pins: Pin[] = [];
  for (const file of [...(main.value === null ? [] : [main.value]), ...parts.value]) {
    const read = parsePreferences(file);
    if (typeof read === 'string') return failed('io', `cannot read ${file.path}: ${read}`);
    pins.push(...read);
  }
  const names = pins.reduce((sum, {packages}) => sum + (packages?.length ?? 1), 0);
  return names > maxPins ? failed('io', `apt's preferences hold more than ${maxPins} pins`) : looked(pins);
}

function parsePreferences({path, text}: ConfigFile): Pin[] | string {
  const pins: Pin[] = [];
  for (const {fields, line} of stanzas(text)) {
    if (fields === null) return `the stanza at line ${line} has a line that is no field`;
    const names =
      fields
        .get('package')
        ?.split(/\s+/)
        .filter(word => word !== '') ?? [];
    if (names.length === 0) return `the stanza at line ${line} names no package`;
    const pin = fields.get('pin');
    if (pin === undefined) continue;
    const everything = names.length === 1 && names[0] === '*';
    const match = parsePin(pin, everything);
    if (match === 'ignored') continue;
    if (match === null) return `the pin at line ${line} uses an expression that reeve does not follow`;
    const priority = parsePriority(fields.get('pin-priority'), everything);
    if (priority === null) return `the stanza at line ${line} has no valid Pin-Priority`;
    const packages = everything ? null : names.map(parseName);
    if (packages?.includes(null)) return `the pin at line ${line} uses an expression that reeve does not follow`;
    pins.push({packages: packages as Pin['packages'], match, priority, where: `${path}:${line}`});
  }
  return pins;
}

function parsePriority(text: string | undefined, everything: boolean): number | null {
  if (text === 'never') return everything ? never : null;
  const priority = /^[+-]?\d{1,6}/.exec(text ?? '')?.[0];
  if (priority === undefined || Number(priority) === 0 || Number(priority) > 32_767 || Number(priority) < never)
    return null;
  return Math.max(Number(priority), never + 1);
}

function parseName(name: string): {source: boolean; test: Test; architecture: string | null} | null {
  const source = name.startsWith('src:');
  const plain = source ? name.slice(4) : name;
  const isExpression = plain.startsWith('/') && plain.endsWith('/');
  const colon = isExpression ? -1 : plain.lastIndexOf(':');
  const pattern = colon < 0 ? plain : plain.slice(0, colon);
  const test = isExpression || /[*?[]/.test(pattern) ? expressionTest(pattern) : (text: string) => text === pattern;
  return test === null ? null : {source, test, architecture: colon < 0 ? null : plain.slice(colon + 1)};
}

function parsePin(pin: string, everything: boolean): Pin['match'] | 'ignored' | null {
  const [, type = '', data = ''] = /^(\S+)\s*(.*)$/s.exec(pin) ?? [];
  switch (type.toLowerCase()) {
    case 'version': {
      const test = versionTest(data);
      return everything ? 'ignored' : test && {type: 'version', test};
    }
    case 'origin': {
      const test = expressionTest(data.replace(/^"(.*)"$/, '$1'));
      return test && {type: 'origin', test};
    }
    case 'release':
      return parseReleasePin(data);
    default:
      return 'ignored';
  }
}

const letters = new Map<string, ReleaseField>([
  ['v', 'version'],
  ['o', 'origin'],
  ['a', 'archive'],
  ['n', 'codename'],
  ['l', 'label'],
  ['c', 'component'],
  ['b', 'architecture'],
]);

/** `a=stable,l=Debian`, or a bare archive, codename or version; also the value of APT::Default-Release. */
export function parseReleasePin(data: string): Pin['match'] | null {
  if (data === '*') return {type: 'release', all: true, fields: new Map()};
  const fields = new Map<ReleaseField, Test>();
  const wanted: Array<[ReleaseField | undefined, string]> = data.includes('=')
    ? data.split(',').map(part => [letters.get(part.trim().slice(0, 1).toLowerCase()), part.trim().slice(2)])
    : [[/^\d/.test(data) ? 'version' : 'release', data]];
  for (const [field, value] of wanted) {
    const test = field === 'version' ? versionTest(value) : expressionTest(value);
    if (test === null) return null;
    if (field !== undefined && value !== '') fields.set(field, test);
  }
  return {type: 'release', all: false, fields};
}
