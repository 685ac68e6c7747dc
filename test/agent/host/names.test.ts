import test from 'ava';
import {decodeName, encodePath, printable} from '../../../agent/host/names.ts';

const bytes = (...values: number[]) => Buffer.from(values);

test('decodeName() and encodePath() lose no byte', t => {
  const names = [
    bytes(0x61),
    bytes(0xff, 0x61),
    bytes(0xc3, 0xa9),
    bytes(0xc3),
    bytes(0xed, 0xa0, 0x80),
    bytes(0xf0, 0x9f, 0x98, 0x80, 0xfe),
    bytes(0xe2, 0x82),
    bytes(0xc0, 0xaf),
  ];
  for (let seed = 1; seed < 2000; seed++)
    names.push(Buffer.from(Array.from({length: seed % 9}, (_, index) => 1 + ((seed * 7919 + index * 104_729) % 255))));
  for (const name of names) t.deepEqual(Buffer.from(encodePath(decodeName(name))), name);
});

test('decodeName() leaves UTF-8 as it reads', t => {
  t.is(decodeName(Buffer.from('größe 😀')), 'größe 😀');
});

const rows: Array<[string, string, string]> = [
  ['an escape sequence', '\u001b[2J\u001b]0;owned\u0007', '\\x1b[2J\\x1b]0;owned\\x07'],
  ['C1 controls', 'a\u009b31m', 'a\\x9b31m'],
  ['a line break', 'a\nFAIL', 'a\\x0aFAIL'],
  ['bidirectional overrides', 'txt.\u202eexe', 'txt.\\u{202e}exe'],
  ['zero width characters', 'a\u200bb', 'a\\u{200b}b'],
  ['a byte that is not UTF-8', '\udcff', '\\xff'],
  ['text that looks like an escape already', '\\x1b', '\\\\x1b'],
  ['ordinary text', 'größe 😀 \\d', 'größe 😀 \\d'],
];

for (const [title, text, wanted] of rows) {
  test(`printable() on ${title}`, t => t.is(printable(text), wanted));
}
