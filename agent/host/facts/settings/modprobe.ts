import type {SettingFact, SettingValue} from '../../../../policies/facts/setting.ts';
import {wildcard} from '../../../../policies/pattern.ts';
import {modprobeDirectories} from '../kernel/modprobe.ts';
import {type ModprobeLine, moduleName, parseModprobe} from './parse/modprobe.ts';
import {answerFrom, Reading, type SettingReader} from './reader.ts';

type Placed = ModprobeLine & {path: string};

/** `install NAME`, `remove NAME`, `blacklist NAME`, `options NAME`. Options add up; of install commands the first counts. */
export const readModprobe: SettingReader = async (request, {host, once}) => {
  const {reading, lines} = await once(`modprobe ${request.files.join(' ')}`, async () => {
    const reading = new Reading(host);
    const lines: Placed[] = [];
    const files =
      request.files.length > 0
        ? await reading.expand(request.files)
        : await reading.merged(modprobeDirectories, name => name.endsWith('.conf'));
    for (const path of files) {
      const text = await reading.text(path);
      if (text !== null) lines.push(...parseModprobe(text).map(line => ({...line, path})));
    }
    return {reading, lines};
  });
  return answerFrom(reading, `no files are in ${modprobeDirectories.join(', ')}`, () => factOf(request.key, lines));
};

function factOf(key: string, lines: Placed[]): Partial<SettingFact> {
  const [command = '', name = ''] = key.trim().split(/\s+/);
  const module = moduleName(name);
  const found = lines
    .filter(line => line.command === command && wildcard(line.module, {brackets: true})(module))
    .map(
      ({rest, path, line}): SettingValue => ({
        value: rest === '' ? 'true' : rest,
        where: `${path}:${line}`,
        origin: 'main',
      }),
    );
  const change = {file: '/etc/modprobe.d/reeve.conf', before: null, after: null};
  return command === 'options'
    ? {values: found, change}
    : {values: found.slice(0, 1), overridden: found.slice(1), change};
}
