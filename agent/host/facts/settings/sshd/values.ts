import {mayBePattern} from './algorithms.ts';
import type {Keyword} from './keywords.ts';

/** What one line gives, in the words of `sshd -T`; a line of names gives one text each. */
export type LineValue = {texts: string[]} | {problem: string};

const none = (text: string): string => (text.toLowerCase() === 'none' ? 'none' : text);

/** Reads a keyword's arguments as sshd does, or says why sshd refuses them. */
export function readLineValue({name, value, counts}: Keyword, words: string[], rest: string): LineValue {
  const [first = '', second] = words;
  switch (value.kind) {
    case 'ignored':
      return {texts: []};
    case 'rest':
      return {texts: [none(rest)]};
    case 'command':
      return rest.startsWith('/') || rest.toLowerCase() === 'none'
        ? {texts: [none(rest)]}
        : {problem: `${name} must be an absolute path`};
    case 'words':
      if (words.length === 0 || words.includes(''))
        return {problem: `${name} without an argument, or with an empty one`};
      if (name === 'AuthenticationMethods' && words.length > 1 && words.includes('any')) return extra('any');
      return {texts: counts === 'all' ? words : [words.map(word => listWord(name, word)).join(' ')]};
    case 'environment':
      return readEnvironment(words);
    case 'options':
      return {
        texts: [
          words
            .filter(word => word.toLowerCase() !== 'none')
            .map(word => word.toLowerCase())
            .sort()
            .join(' ') || 'none',
        ],
      };
    case 'listen':
      return words.length === 1 || (words.length === 3 && second === 'rdomain')
        ? {texts: [words.join(' ')]}
        : {problem: 'bad ListenAddress syntax'};
    case 'subsystem':
      return second === undefined ? {problem: 'Subsystem without a command'} : {texts: [words.join(' ')]};
    case 'rekey':
      return words.length > 2 ? extra(name) : readRekey(first, second);
    case 'qos':
      return words.length > 2 ? extra(name) : {texts: [`${first.toLowerCase()} ${(second ?? first).toLowerCase()}`]};
    default:
      return words.length === 0
        ? {problem: `${name} without an argument`}
        : words.length > 1
          ? extra(name)
          : readWord(name, value, first);
  }
}

/** PermitListen takes a port alone for every address. */
const listWord = (name: string, word: string): string =>
  name === 'PermitListen' && !word.includes(':') && !['any', 'none'].includes(word) ? `*:${word}` : none(word);

/** Two words for one level; `sshd -T` says SILENT, the manual page QUIET. */
const sameWords = new Map([
  ['DEBUG1', 'DEBUG'],
  ['SILENT', 'QUIET'],
]);

const extra = (name: string): LineValue => ({problem: `extra arguments after ${name}`});

function readWord(name: string, value: Keyword['value'], word: string): LineValue {
  const given = (text: string | null, wanted: string): LineValue =>
    text === null ? {problem: `${name} is ${JSON.stringify(word)}, ${wanted} wanted`} : {texts: [text]};
  switch (value.kind) {
    case 'choice':
      return given(
        value.values.get(value.exact ? word : word.toLowerCase()) ?? null,
        `one of ${[...value.values.keys()].join(', ')}`,
      );
    case 'integer':
      return given(/^\d{1,10}$/.test(word) ? String(Number(word)) : null, 'a number');
    case 'time':
      return given(seconds(word), 'a time');
    case 'timeout':
      return given(word.toLowerCase() === 'none' ? 'none' : seconds(word), 'a time or none');
    case 'octal':
      return given(/^[0-7]{1,4}$/.test(word) ? `0${Number.parseInt(word, 8).toString(8)}` : null, 'an octal number');
    case 'port':
      return given(
        /^\d{1,5}$/.test(word) && Number(word) > 0 && Number(word) < 65_536 ? String(Number(word)) : null,
        'a port number',
      );
    case 'startups':
      return given(/^\d{1,9}(:\d{1,3}:\d{1,9})?$/.test(word) ? word : null, 'begin:rate:full');
    case 'blocks':
      return given(/^\d{1,2}(:\d{1,3})?$/.test(word) ? word : null, 'bits, or bits:bits');
    case 'algorithms':
      return given(/[*?]/.test(word) && !mayBePattern(value.family, word) ? null : word, 'names without a pattern');
    case 'upper':
      return given(sameWords.get(word.toUpperCase()) ?? word.toUpperCase(), '');
    default:
      return given(word === '' ? null : none(word), 'a value');
  }
}

const timeUnits = new Map([
  ['', 1],
  ['s', 1],
  ['m', 60],
  ['h', 3600],
  ['d', 86_400],
  ['w', 604_800],
]);

/** sshd's time format, `1h30m`, as whole seconds. Source: sshd_config(5), TIME FORMATS. */
function seconds(text: string): string | null {
  const parts = [...text.matchAll(/(\d+)([a-z]?)/gi)];
  if (text === '' || parts.map(part => part[0]).join('') !== text) return null;
  let total = 0;
  for (const [, amount, unit = ''] of parts) {
    const scale = timeUnits.get(unit.toLowerCase());
    if (scale === undefined) return null;
    total += Number(amount) * scale;
  }
  return total <= 0x7fffffff ? String(total) : null;
}

function readEnvironment(words: string[]): LineValue {
  if (words.length === 0 || words.some(word => !word.includes('='))) return {problem: 'SetEnv wants NAME=value'};
  const texts = new Map<string, string>();
  for (const word of words) {
    const name = word.slice(0, word.indexOf('='));
    if (!texts.has(name)) texts.set(name, word);
  }
  return {texts: [...texts.values()]};
}

/** Bytes, then seconds when the line gives them. */
function readRekey(limit: string, interval: string | undefined): LineValue {
  const scaled = /^(\d+(?:\.\d+)?)([kmgt]?)b?$/i.exec(limit);
  const power = ['', 'k', 'm', 'g', 't'].indexOf(scaled?.[2]?.toLowerCase() ?? '');
  const bytes =
    limit === 'default' ? '0' : scaled === null ? null : String(Math.trunc(Number(scaled[1]) * 1024 ** power));
  const after = interval === undefined || interval === 'none' ? undefined : seconds(interval);
  if (bytes === null || after === null) return {problem: 'RekeyLimit wants bytes, then a time'};
  return {texts: after === undefined ? [bytes] : [bytes, after]};
}
