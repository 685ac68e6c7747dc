import type {SettingFact, SettingValue} from '../../../../policies/facts/setting.ts';
import {parseAptConf} from './parse/apt-conf.ts';
import type {Entry} from './parse/entry.ts';
import {answerFrom, maxIncludeDepth, Reading, type SettingReader} from './reader.ts';

const directory = '/etc/apt/apt.conf.d';
const mainFile = '/etc/apt/apt.conf';

type Placed = Entry & {path: string};

/** Keys in any case; a key's later value wins, members of its list (`Key::`) add up after it. */
export const readAptConf: SettingReader = async (request, {host, once}) => {
  const {reading, entries} = await once(`apt.conf ${request.files.join(' ')}`, async () => {
    const reading = new Reading(host);
    const entries: Placed[] = [];
    const files =
      request.files.length > 0
        ? await reading.expand(request.files)
        : [...(await reading.merged([directory], isPart)), mainFile];
    for (const path of files) await load(reading, path, entries);
    return {reading, entries};
  });
  return answerFrom(reading, `${mainFile} and ${directory} do not exist`, () => factOf(request.key, entries));
};

/** Which names of apt.conf.d count: without an extension or with `.conf`, of plain characters. Source: apt.conf(5). */
const isPart = (name: string): boolean =>
  /^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/.test(name) && (!name.includes('.') || name.endsWith('.conf'));

async function load(reading: Reading, path: string, entries: Placed[], depth = 0): Promise<void> {
  const text = await reading.text(path);
  if (text === null) return;
  const {statements, faults} = parseAptConf(text);
  for (const {line, problem} of faults.slice(0, 3)) reading.fail(`cannot read ${path}:${line}: ${problem}`);
  for (const statement of statements) {
    if (statement.kind === 'set') entries.push({...statement.entry, path});
    else if (statement.kind === 'clear') clear(statement.key, entries);
    else if (depth >= maxIncludeDepth || reading.read.length + reading.unreadable.length > 1000)
      reading.fail(`cannot read ${path}:${statement.line}: files are included more than ${maxIncludeDepth} deep`);
    else await load(reading, statement.path, entries, depth + 1);
  }
}

/** Takes away a key and all below it. */
function clear(key: string, entries: Placed[]): void {
  const wanted = key.toLowerCase().replace(/::$/, '');
  const kept = entries.filter(
    entry => entry.key.toLowerCase() !== wanted && !entry.key.toLowerCase().startsWith(`${wanted}::`),
  );
  entries.splice(0, entries.length, ...kept);
}

function factOf(key: string, entries: Placed[]): Partial<SettingFact> {
  const wanted = key.toLowerCase().replace(/::$/, '');
  const value = ({value: text, path, line}: Placed): SettingValue => ({
    value: text,
    where: `${path}:${line}`,
    origin: path === mainFile ? 'main' : 'drop-in',
  });
  const scalars = entries.filter(entry => entry.key.toLowerCase() === wanted).map(value);
  const members = entries.filter(entry => entry.key.toLowerCase() === `${wanted}::`).map(value);
  const last = scalars.at(-1);
  const values = [...(last === undefined || (last.value === '' && members.length > 0) ? [] : [last]), ...members];
  const inMain = last?.origin === 'main';
  return {
    values,
    overridden: scalars.slice(0, -1),
    change: {file: inMain ? mainFile : `${directory}/99reeve`, before: null, after: null},
  };
}
