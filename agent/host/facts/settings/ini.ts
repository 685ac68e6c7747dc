import {assignmentReader, withoutFaults} from './assignments.ts';
import {parseIni} from './parse/ini.ts';

export const readIni = assignmentReader('ini', {
  defaultFiles: [],
  parse: withoutFaults(parseIni),
  matches: (entry, {section = '', key}) => entry.section === section && entry.key === key,
  repeated: 'all',
});
