import {assignmentReader, withoutFaults} from './assignments.ts';
import {parseLoginDefs} from './parse/login-defs.ts';

export const readLoginDefs = assignmentReader('login.defs', {
  defaultFiles: ['/etc/login.defs'],
  parse: withoutFaults(parseLoginDefs),
  matches: (entry, {key}) => entry.key === key,
  repeated: 'last',
});
