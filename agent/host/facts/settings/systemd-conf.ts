import {parseSystemd} from './parse/systemd.ts';
import {answerFrom, Reading, type SettingReader} from './reader.ts';
import {type PlacedEntry, settleSystemd, splitKey} from './systemd/settle.ts';

const roots = ['/etc', '/run', '/usr/local/lib', '/usr/lib', '/lib'];

/**
 * A configuration file of systemd itself and its drop-ins: the first main file that exists, then `NAME.conf.d/*.conf`
 * of all roots in the order of their names. Source: the DESCRIPTION of journald.conf(5).
 */
export const readSystemdConf: SettingReader = async (request, {host, once}) => {
  const file = request.files[0] ?? '';
  const {reading, entries, below} = await once(`systemd-conf ${file}`, async () => {
    const reading = new Reading(host);
    const root = roots.find(path => file.startsWith(`${path}/`));
    const below = root === undefined ? null : file.slice(root.length);
    const entries: PlacedEntry[] = [];
    const add = async (path: string, origin: PlacedEntry['origin']): Promise<boolean> => {
      const text = await reading.text(path);
      if (text !== null) entries.push(...parseSystemd(text).map(entry => ({...entry, path, origin})));
      return text !== null;
    };
    for (const path of below === null ? [file] : roots.map(root => root + below)) if (await add(path, 'main')) break;
    const directories = below === null ? [`${file}.d`] : roots.map(root => `${root}${below}.d`);
    for (const path of await reading.merged(directories, name => name.endsWith('.conf'))) await add(path, 'drop-in');
    return {reading, entries, below};
  });
  const {section, name} = splitKey(request.key);
  return answerFrom(reading, `${file} and its drop-ins do not exist`, () => ({
    ...settleSystemd(entries.filter(entry => entry.section === section && entry.key === name)),
    change: {file: `${below === null ? file : `/etc${below}`}.d/99-reeve.conf`, before: null, after: null},
  }));
};
