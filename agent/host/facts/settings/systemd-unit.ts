import {absent, unseen} from '../../../../policies/facts/answer.ts';
import type {SettingFact, SettingValue} from '../../../../policies/facts/setting.ts';
import type {Host} from '../../host.ts';
import {parseEnv} from './parse/env.ts';
import {parseSystemd, systemdWords} from './parse/systemd.ts';
import {answerFrom, Reading, type SettingReader} from './reader.ts';
import {type PlacedEntry, settleSystemd, splitKey} from './systemd/settle.ts';
import {unitFiles} from './systemd/unit-files.ts';

type Unit = {reading: Reading; entries: PlacedEntry[]} | {missing: string};

/** `Section.Key`, or `Service.Environment.NAME` for one variable that the service is started with. */
export const readSystemdUnit: SettingReader = async (request, {host, once}) => {
  const name = request.unit ?? '';
  const unit = await once(`systemd-unit ${name}`, () => loadUnit(host, name));
  if ('missing' in unit) return absent(unit.missing);
  const {section, name: key} = splitKey(request.key);
  const change = {
    file: `/etc/systemd/system/${name}.d/reeve.conf`,
    before: null,
    after: `systemctl daemon-reload && systemctl restart ${name}`,
  };
  if (!key.startsWith('Environment.')) {
    const entries = unit.entries.filter(entry => entry.section === section && entry.key === key);
    return answerFrom(unit.reading, `there is no unit ${name}`, () => ({...settleSystemd(entries), change}));
  }
  const own = unit.entries.filter(entry => entry.section === section);
  const fact = await readVariable(host, own, key.slice('Environment.'.length));
  return typeof fact === 'string'
    ? unseen(fact)
    : answerFrom(unit.reading, `there is no unit ${name}`, () => ({...fact, change}));
};

async function loadUnit(host: Host, name: string): Promise<Unit> {
  const reading = new Reading(host);
  const files = await unitFiles(host, reading, name);
  if ('missing' in files && reading.unreadable.length === 0) return files;
  const entries: PlacedEntry[] = [];
  if ('missing' in files) return {reading, entries};
  for (const path of [files.fragment, ...files.dropIns]) {
    const text = await reading.text(path);
    if (text !== null)
      entries.push(
        ...parseSystemd(text).map(entry => ({
          ...entry,
          path,
          origin: path === files.fragment ? ('main' as const) : ('drop-in' as const),
        })),
      );
  }
  return {reading, entries};
}

/**
 * One variable: EnvironmentFile= is read when the service starts and wins over Environment=, later assignments win over
 * earlier ones, UnsetEnvironment= takes away. Answers with a reason where a file cannot be read. Source: systemd.exec(5).
 */
async function readVariable(
  host: Host,
  entries: PlacedEntry[],
  variable: string,
): Promise<Partial<SettingFact> | string> {
  const settled = (key: string) => settleSystemd(entries.filter(entry => entry.key === key)).values;
  const found: SettingValue[] = [];
  for (const {value, where, origin} of settled('Environment')) {
    const words = systemdWords(value);
    if (words === null) return `cannot read Environment= at ${where}: a quote is never closed`;
    for (const word of words)
      if (word.startsWith(`${variable}=`)) found.push({value: word.slice(variable.length + 1), where, origin});
  }
  const reading = new Reading(host);
  for (const {value, where} of settled('EnvironmentFile')) {
    const optional = value.startsWith('-');
    const pattern = optional ? value.slice(1) : value;
    if (pattern.includes('%'))
      return `cannot read EnvironmentFile=${value} at ${where}: its specifiers are known to systemd only`;
    const paths = await reading.expand([pattern], {brackets: true});
    let read = 0;
    for (const path of paths) {
      const text = await reading.text(path);
      if (text === null) continue;
      read++;
      for (const entry of parseEnv(text))
        if (entry.key === variable) found.push({value: entry.value, where: `${path}:${entry.line}`, origin: 'drop-in'});
    }
    if (reading.unreadable.length > 0) return reading.unreadable.join('; ');
    if (read === 0 && !optional)
      return `${pattern} of EnvironmentFile= at ${where} does not exist, so the service does not start`;
  }
  const unset = settled('UnsetEnvironment').flatMap(({value}) => systemdWords(value) ?? []);
  const last = found.at(-1);
  const gone = last === undefined || unset.includes(variable) || unset.includes(`${variable}=${last.value}`);
  return {values: gone ? [] : [last], overridden: gone ? found : found.slice(0, -1)};
}
