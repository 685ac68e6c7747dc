import type {SettingFact, SettingRequest, SettingValue} from '../../../../policies/facts/setting.ts';
import type {Entry} from './parse/entry.ts';
import {answerFrom, lastWins, Reading, type SettingReader} from './reader.ts';

type AssignmentFormat = {
  /** Files when the rule names none. */
  defaultFiles: readonly string[];
  /** Files that the program reads before this one, which then wins over them. */
  readsBefore?(file: string): string[];
  parse(text: string): {entries: Entry[]; faults: Array<{line: number; problem: string}>};
  matches(entry: Entry, request: SettingRequest): boolean;
  /** `last`: a later value takes the place of an earlier one. `all`: repeated keys make a list. */
  repeated: 'last' | 'all';
};

type Placed = Entry & {path: string; origin: SettingValue['origin']};
type Configuration = {reading: Reading; entries: Placed[]};

/** A reader for files of `key = value` lines; several files are read as one, in their order. */
export function assignmentReader(name: string, format: AssignmentFormat): SettingReader {
  return async (request, {host, once}) => {
    const files = request.files.length > 0 ? request.files : [...format.defaultFiles];
    const {reading, entries} = await once(`${name} ${JSON.stringify(files)}`, () =>
      readAll(format, files, new Reading(host)),
    );
    return answerFrom(reading, `${files.join(', ')} does not exist`, () =>
      factOf(
        format,
        files,
        entries.filter(entry => format.matches(entry, request)),
      ),
    );
  };
}

async function readAll(format: AssignmentFormat, files: string[], reading: Reading): Promise<Configuration> {
  const entries: Placed[] = [];
  const taken = new Set<string>();
  for (const file of files) {
    for (const path of await reading.expand([...(format.readsBefore?.(file) ?? []), file])) {
      if (taken.has(path)) continue;
      taken.add(path);
      const text = await reading.text(path);
      if (text === null) continue;
      const parsed = format.parse(text);
      for (const {line, problem} of parsed.faults.slice(0, 3)) reading.fail(`cannot read ${path}:${line}: ${problem}`);
      for (const entry of parsed.entries)
        entries.push({...entry, path, origin: path === files[0] ? 'main' : 'drop-in'});
    }
  }
  return {reading, entries};
}

function factOf(format: AssignmentFormat, files: string[], found: Placed[]): Partial<SettingFact> {
  const cleared = found.findLastIndex(entry => 'clears' in entry && entry.clears === true);
  const value = ({value, path, line, origin}: Placed): SettingValue => ({value, where: `${path}:${line}`, origin});
  const values = found.map(value);
  const won =
    format.repeated === 'last'
      ? lastWins(values)
      : {values: values.slice(Math.max(cleared, 0)), overridden: values.slice(0, Math.max(cleared, 0))};
  const file = found.at(-1)?.path ?? files[0];
  return {...won, change: file === undefined ? null : {file, before: null, after: null}};
}

/** For parsers that refuse nothing. */
export const withoutFaults = (parse: (text: string) => Entry[]) => (text: string) => ({
  entries: parse(text),
  faults: [],
});
