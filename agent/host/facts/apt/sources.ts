import type {Host} from '../../host.ts';
import {failed, type Look, looked} from '../../look.ts';
import {parseStanza} from '../dpkg/stanzas.ts';
import {readBoolean} from './config.ts';
import {type ConfigFile, readConfigFile, readDirectory} from './directory.ts';

/** One suite of one repository, as sources.list(5) configures it. Sources of source packages are left out. */
export type AptSource = {
  uri: string;
  /** Ends in `/` for a flat repository, which has no components. */
  suite: string;
  components: string[];
  /** Null: all that dpkg has. `plus` and `minus` change that. */
  architectures: {only: string[] | null; plus: string[]; minus: string[]};
  trusted: boolean | null;
  /** Options that let unsigned or weakly signed lists in, when set to yes. */
  insecure: string[];
  enabled: boolean;
  where: string;
};

/** Every repository of sources.list and sources.list.d. A line that apt would refuse is a failed look. */
export async function readSources(host: Host, nativeArchitecture: string): Promise<Look<AptSource[]>> {
  const main = await readConfigFile(host, '/etc/apt/sources.list');
  if (!main.ok) return main;
  const parts = await readDirectory(host, '/etc/apt/sources.list.d', ['list', 'sources']);
  if (!parts.ok) return parts;
  const sources: AptSource[] = [];
  for (const file of [...(main.value === null ? [] : [main.value]), ...parts.value]) {
    const read = file.path.endsWith('.sources') ? parseDeb822(file) : parseLines(file);
    if (typeof read === 'string') return failed('io', `cannot read ${file.path}: ${read}`);
    sources.push(...read);
  }
  const fill = (text: string) => text.replaceAll('$(ARCH)', nativeArchitecture);
  return looked(sources.map(source => ({...source, suite: fill(source.suite), uri: withSlash(fill(source.uri))})));
}

const withSlash = (uri: string) => (uri.endsWith('/') ? uri : `${uri}/`);

const insecureOptions = ['allow-insecure', 'allow-weak', 'allow-downgrade-to-insecure'];

function make(
  options: Map<string, string>,
  fields: Pick<AptSource, 'uri' | 'suite' | 'components' | 'enabled' | 'where'>,
): AptSource {
  const list = (name: string) =>
    options
      .get(name)
      ?.split(/[\s,]+/)
      .filter(word => word !== '') ?? null;
  return {
    ...fields,
    architectures: {only: list('arch'), plus: list('arch+') ?? [], minus: list('arch-') ?? []},
    trusted: options.has('trusted') ? (readBoolean(options.get('trusted')) ?? false) : null,
    insecure: insecureOptions.filter(name => readBoolean(options.get(name)) === true),
  };
}

/** One-line style: `deb [options] uri suite components…`. */
function parseLines({path, text}: ConfigFile): AptSource[] | string {
  const sources: AptSource[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = withoutComment(raw).trim();
    if (line === '') continue;
    const where = `${path}:${index + 1}`;
    const match = /^(deb|deb-src|rpm|rpm-src)\s+(?:\[([^\]]*)\]\s+)?(.*)$/.exec(line);
    if (match === null) return `line ${index + 1} is no repository`;
    const [uri, suite, ...components] = splitWords(match[3] as string);
    if (uri === undefined || suite === undefined) return `line ${index + 1} lacks a URI or suite`;
    if (suite.endsWith('/') !== (components.length === 0))
      return `line ${index + 1} does not go with its suite: components are for suites that do not end in "/"`;
    const options = new Map(
      (match[2] ?? '').split(/\s+/).flatMap(option => (option.includes('=') ? [splitOption(option)] : [])),
    );
    if (match[1] === 'deb') sources.push(make(options, {uri, suite, components, enabled: true, where}));
  }
  return sources;
}

function splitOption(option: string): [string, string] {
  const equals = option.indexOf('=');
  return [option.slice(0, equals).toLowerCase(), option.slice(equals + 1).replace(/^"(.*)"$/, '$1')];
}

/** `#` begins a comment, unless it stands in brackets or quotes, as in `cdrom:[Debian #1]/`. */
function withoutComment(line: string): string {
  let depth = 0;
  for (let index = 0; index < line.length; index++) {
    if (line[index] === '[') depth++;
    else if (line[index] === ']') depth--;
    else if (line[index] === '#' && depth <= 0) return line.slice(0, index);
  }
  return line;
}

/** Words are parted by blanks; quotes and brackets hold theirs together, and `%20` stands for a blank. */
function splitWords(text: string): string[] {
  const words = [...text.matchAll(/(?:[^\s"[]|"[^"]*"|\[[^\]]*\])+/g)].map(([word]) => word.replaceAll('"', ''));
  return words.map(word =>
    word.replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))),
  );
}

const deb822Options = new Map([
  ['architectures', 'arch'],
  ['architectures-add', 'arch+'],
  ['architectures-remove', 'arch-'],
  ['trusted', 'trusted'],
  ...insecureOptions.map(name => [name, name] as const),
]);

function parseDeb822({path, text}: ConfigFile): AptSource[] | string {
  const sources: AptSource[] = [];
  for (const {fields, line} of stanzas(text)) {
    if (fields === null) return `the stanza at line ${line} has a line that is no field`;
    const words = (name: string) =>
      fields
        .get(name)
        ?.split(/\s+/)
        .filter(word => word !== '') ?? [];
    const [uris, suites, components] = [words('uris'), words('suites'), words('components')];
    const enabled = readBoolean(fields.get('enabled')) ?? true;
    if (!words('types').includes('deb')) continue;
    if (enabled && (uris.length === 0 || suites.length === 0)) return `the stanza at line ${line} lacks URIs or Suites`;
    const options = new Map(
      [...deb822Options].flatMap(([field, option]) =>
        fields.has(field) ? [[option, fields.get(field) as string] as const] : [],
      ),
    );
    for (const uri of uris) {
      for (const suite of suites) {
        if (enabled && suite.endsWith('/') !== (components.length === 0))
          return `the stanza at line ${line} does not go with its suite: Components are for suites that do not end in "/"`;
        sources.push(make(options, {uri, suite, components, enabled, where: `${path}:${line}`}));
      }
    }
  }
  return sources;
}

/** Stanzas with the line on which each begins; comment lines are left out wherever they stand. */
export function* stanzas(text: string): Generator<{fields: Map<string, string> | null; line: number}> {
  let lines: string[] = [];
  let first = 1;
  for (const [index, line] of [...text.split('\n'), ''].entries()) {
    if (line.startsWith('#')) continue;
    if (line.trim() !== '') {
      if (lines.length === 0) first = index + 1;
      lines.push(line.replace(/\r$/, ''));
    } else if (lines.length > 0) {
      yield {fields: parseStanza(lines.join('\n')), line: first};
      lines = [];
    }
  }
}
