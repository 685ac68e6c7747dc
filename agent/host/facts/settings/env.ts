import {assignmentReader, withoutFaults} from './assignments.ts';
import {parseEnv} from './parse/env.ts';

export const readEnv = assignmentReader('env', {
  defaultFiles: [],
  parse: withoutFaults(parseEnv),
  matches: (entry, {key}) => entry.key === key,
  repeated: 'last',
});
