import test from 'ava';
import {type WildcardOptions, wildcard} from '../../policies/pattern.ts';
import {cpuMs} from '../helpers/cpu.ts';

const all = {brackets: true, escapes: true};

for (const [pattern, text, matches, options] of [
  ['*.conf', 'a.conf', true],
  ['*.conf', 'a.conf.bak', false],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['**', '', true],
  ['a*b*c', 'aXbXbXc', true],
  ['a*b*c', 'aXbX', false],
  ['a.c', 'abc', false],
  ['[ab]', '[ab]', true],
  ['[ab]x', 'bx', true, all],
  ['[!ab]x', 'bx', false, all],
  ['[a-c]', 'b', true, all],
  ['[a-c]', 'd', false, all],
  ['[]x]', ']', true, all],
  ['[open', '[open', true, all],
  ['a\\*b', 'a*b', true, all],
  ['a\\*b', 'aXb', false, all],
  ['\u{1f511}?', '\u{1f511}\u{1f512}', true],
] as Array<[string, string, boolean, WildcardOptions?]>) {
  test(`wildcard() ${matches ? 'matches' : 'does not match'} ${text} with ${pattern}${options ? ', brackets and escapes' : ''}`, t => {
    t.is(wildcard(pattern, options)(text), matches);
  });
}

test('wildcard() ends soon on a pattern that a regular expression would not end on', t => {
  const started = process.cpuUsage();
  t.false(wildcard(`${'*a'.repeat(200)}*b`)('a'.repeat(5000)));
  t.true(cpuMs(started) < 1000);
});
