import type {SettingValue} from '../../../../policies/facts/setting.ts';
import {type Limit, parseLimits} from './parse/limits.ts';
import {answerFrom, lastWins, Reading, type SettingReader} from './reader.ts';

/** pam_limits(8) reads the main file, then the directory in the order of its names. */
const files = ['/etc/security/limits.conf', '/etc/security/limits.d/*.conf'];

/** `domain type item`, such as `* hard core`. */
export const readLimits: SettingReader = async (request, {host, once}) => {
  const patterns = request.files.length > 0 ? request.files : files;
  const {reading, limits} = await once(`limits ${patterns.join(' ')}`, async () => {
    const reading = new Reading(host);
    const limits: Array<Limit & {path: string}> = [];
    for (const path of await reading.expand(patterns)) {
      const text = await reading.text(path);
      if (text !== null) limits.push(...parseLimits(text).map(limit => ({...limit, path})));
    }
    return {reading, limits};
  });
  const [domain, type, item] = request.key.trim().split(/\s+/);
  return answerFrom(reading, `${patterns.join(', ')} does not exist`, () => {
    const found = limits.filter(
      limit => limit.domain === domain && limit.item === item && (limit.type === type || limit.type === '-'),
    );
    const values = found.map(
      ({value, path, line}): SettingValue => ({
        value,
        where: `${path}:${line}`,
        origin: path === patterns[0] ? 'main' : 'drop-in',
      }),
    );
    return {...lastWins(values), change: {file: '/etc/security/limits.d/99-reeve.conf', before: null, after: null}};
  });
};
