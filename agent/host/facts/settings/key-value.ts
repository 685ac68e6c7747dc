import {assignmentReader, withoutFaults} from './assignments.ts';
import {parseKeyValue} from './parse/key-value.ts';

/** libpwquality reads /etc/security/pwquality.conf.d/*.conf first, so that the main file wins (pwquality.conf(5)). */
const readsDirectoryFirst = new Set(['/etc/security/pwquality.conf']);

export const readKeyValue = assignmentReader('key-value', {
  defaultFiles: [],
  readsBefore: file => (readsDirectoryFirst.has(file) ? [`${file}.d/*.conf`] : []),
  parse: withoutFaults(parseKeyValue),
  matches: (entry, {key}) => entry.key === key,
  repeated: 'last',
});
