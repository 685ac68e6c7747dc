import {type Answer, absent, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {SettingFact, SettingRequest, SettingValue} from '../../../../policies/facts/setting.ts';
import type {WildcardOptions} from '../../../../policies/pattern.ts';
import {expandPattern, hasPattern} from '../../glob.ts';
import type {Host} from '../../host.ts';
import {decodeName} from '../../names.ts';
import type {Looking} from '../collector.ts';

/** What one format's reader works with. `once` keeps what was parsed for the other requests of the same check. */
export type SettingLooking = Looking & {once<T>(key: string, make: () => Promise<T>): Promise<T>};

/** Looks up one key. Never throws for what the host holds. */
export type SettingReader = (request: SettingRequest, looking: SettingLooking) => Promise<Answer<SettingFact>>;

/** A longer file is not read: configuration of that size is a mistake or an attack. */
export const maxFileBytes = 1024 * 1024;
export const maxFiles = 1000;
export const maxIncludeDepth = 16;

/**
 * The files of one program's configuration. What could not be read is gathered in `unreadable`, and no value is known
 * then: a file that we did not see may set any key.
 */
export class Reading {
  readonly read: string[] = [];
  readonly unreadable: string[] = [];
  readonly #host: Host;
  readonly #opened = new Map<string, string | null>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** A file's text with `\n` line ends as they are, bytes that are not UTF-8 as `names.ts` says; null when it is absent or unreadable. */
  async text(path: string): Promise<string | null> {
    const known = this.#opened.get(path);
    if (known !== undefined) return known;
    const text = await this.#load(path);
    this.#opened.set(path, text);
    return text;
  }

  async #load(path: string): Promise<string | null> {
    if (this.read.length >= maxFiles)
      return this.fail(`cannot read ${path}: the configuration has more than ${maxFiles} files`);
    const file = await this.#host.fs.readFile(path, {maxBytes: maxFileBytes});
    if (!file.ok) return file.code === 'absent' ? null : this.fail(file.reason);
    if (file.value.truncated) return this.fail(`cannot read ${path}: it is larger than ${maxFileBytes} bytes`);
    if (file.value.bytes.includes(0))
      return this.fail(`cannot read ${path}: it holds NUL bytes, at which programs stop in different ways`);
    this.read.push(path);
    return decodeName(file.value.bytes);
  }

  /** Names what could not be read. Returns null, for the caller to pass on. */
  fail(reason: string): null {
    if (!this.unreadable.includes(reason)) this.unreadable.push(reason);
    return null;
  }

  /** Existing paths for patterns, each pattern's sorted by name; a path without a pattern stands for itself. */
  async expand(patterns: readonly string[], options: WildcardOptions = {}): Promise<string[]> {
    const all: string[] = [];
    for (const pattern of patterns) {
      if (!hasPattern(pattern, options)) {
        all.push(pattern);
        continue;
      }
      const {paths, unseen} = await expandPattern(this.#host.fs, pattern, options);
      for (const {reason} of unseen) this.fail(reason);
      all.push(...paths);
    }
    return all;
  }

  /**
   * Files of several directories together in the order of their names; a name in an earlier directory hides the same
   * name in a later one, and a link to /dev/null or an empty file in its place hides without setting anything.
   * Source: systemd.unit(5), sysctl.d(5), modprobe.d(5).
   */
  async merged(directories: readonly string[], wanted: (name: string) => boolean): Promise<string[]> {
    const chosen = new Map<string, string>();
    for (const directory of directories) {
      const list = await this.#host.fs.list(directory);
      if (!list.ok) {
        if (list.code !== 'absent') this.fail(list.reason);
        continue;
      }
      if (list.value.truncated)
        this.fail(`cannot list all of ${directory}: it has more than ${list.value.names.length} entries`);
      for (const name of list.value.names)
        if (wanted(name) && !chosen.has(name)) chosen.set(name, `${directory}/${name}`);
    }
    const paths = [...chosen.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path);
    const live: string[] = [];
    for (const path of paths) if (!(await this.masked(path))) live.push(path);
    return live;
  }

  /** Whether a path leads to /dev/null, which hides the files of that name in later directories. */
  async masked(path: string): Promise<boolean> {
    const target = await this.#host.fs.readLink(path);
    return target.ok && target.value === '/dev/null';
  }
}

/** A fact from the parts that differ from nothing found. */
export const settingFact = (parts: Partial<SettingFact>): SettingFact => ({
  values: [],
  conditional: [],
  overridden: [],
  default: null,
  change: null,
  ...parts,
});

/** `seen`, or `absent` when no file of the configuration exists, or `unseen` when one could not be read. */
export function answerFrom(reading: Reading, nothing: string, make: () => Partial<SettingFact>): Answer<SettingFact> {
  if (reading.unreadable.length > 0) return unseen(reading.unreadable.slice(0, 3).join('; '));
  if (reading.read.length === 0) return absent(nothing);
  return seen(settingFact(make()), reading.read);
}

/** The last value wins; those before it are overridden. */
export const lastWins = (found: SettingValue[]): Pick<SettingFact, 'values' | 'overridden'> => ({
  values: found.slice(-1),
  overridden: found.slice(0, -1),
});

/** Lines of a text, counted from 1, without a carriage return at their ends. */
export function* linesOf(text: string): Generator<{line: string; number: number}> {
  let number = 0;
  for (const line of text.split('\n')) yield {line: line.endsWith('\r') ? line.slice(0, -1) : line, number: ++number};
}
