import {assignmentReader} from './assignments.ts';
import {gcfgSection, parseGcfg} from './parse/gcfg.ts';

export const readGcfg = assignmentReader('gcfg', {
  defaultFiles: [],
  parse: parseGcfg,
  matches: (entry, {key}) => {
    const wanted = gcfgKey(key);
    return entry.section === wanted.section && entry.key === wanted.key;
  },
  repeated: 'all',
});

/** `Section.Key` or `Section "sub".Key`, as a rule writes it. */
function gcfgKey(text: string): {section: string; key: string} {
  const dot = text.lastIndexOf('.');
  const quoted = /^\s*(\S+?)\s*"((?:[^"\\]|\\.)*)"\s*$/.exec(text.slice(0, dot));
  const key = text.slice(dot + 1).toLowerCase();
  if (quoted === null) return {section: gcfgSection(text.slice(0, dot).trim(), null), key};
  return {section: gcfgSection(quoted[1] as string, (quoted[2] as string).replace(/\\(.)/g, '$1')), key};
}
