import test from 'ava';
import {compareExpectation, type Expectation, flipExpectation} from '../../policies/expect.ts';

const rows: Array<[string, Expectation, string | string[] | null, boolean]> = [
  ['is', {is: 'no'}, 'no', true],
  ['is, of a number written as one', {is: 2}, '2', true],
  ['is, on nothing', {is: 'no'}, null, false],
  ['is, where one member of the list differs', {is: 'no'}, ['no', 'yes'], false],
  ['is_not, on nothing', {is_not: 'yes'}, null, true],
  ['in', {in: ['a', 'b']}, ['a', 'b', 'a'], true],
  ['in, on an empty list', {in: ['a']}, [], false],
  ['not_in', {not_in: ['a']}, ['b', 'a'], false],
  ['at_least, as numbers without saying so', {at_least: 9}, '10', true],
  ['at_least, of text that is no number', {at_least: 9}, 'many', false],
  ['at_most, of a duration', {at_most: '8h', as: 'duration'}, '480m', true],
  ['at_most, on nothing', {at_most: 5}, null, false],
  ['contains, of a comma list', {contains: ['aes256-ctr']}, 'aes128-ctr,aes256-ctr', true],
  ['contains, of a part of a member', {contains: ['aes256']}, 'aes256-ctr', false],
  ['contains_none', {contains_none: ['arcfour', '3des-cbc']}, 'aes256-ctr,3des-cbc', false],
  ['contains_none, on nothing', {contains_none: ['arcfour']}, null, true],
  ['like', {like: ['http://*', 'https://*']}, 'https://a.example', true],
  ['like, in another case', {like: ['https://*']}, 'HTTPS://a.example', false],
  ['like, in any case', {like: ['HTTPS://*'], as: 'text-any-case'}, 'https://a.example', true],
  ['like, where one member of the list differs', {like: ['a*']}, ['ab', 'b'], false],
  ['like, on nothing', {like: ['*']}, null, false],
  ['not_like', {not_like: ['*://*:*@*']}, 'postgres://me:secret@db/x', false],
  ['not_like, on nothing', {not_like: ['*']}, null, true],
  ['length_at_least', {length_at_least: 3}, 'abc', true],
  ['length_at_least, of something shorter', {length_at_least: 3}, 'ab', false],
  ['length_at_least, on nothing', {length_at_least: 1}, null, false],
  ['length_at_least, on empty text', {length_at_least: 1}, '', false],
  ['present', {present: true}, null, false],
  ['not present', {present: false}, null, true],
  ['two operators, of which one does not hold', {at_least: 1, at_most: 5}, '7', false],
];

for (const [title, expectation, actual, ok] of rows) {
  test(`compareExpectation() with ${title} ${ok ? 'holds' : 'does not hold'}`, t => {
    t.is(compareExpectation('value', expectation, actual).ok, ok);
  });
}

test('flipExpectation() turns every operator so that a value that held no longer does', t => {
  const held: Array<[Expectation, string | null]> = [
    [{is: 'no'}, 'no'],
    [{is_not: 'yes'}, 'no'],
    [{in: ['a', 'b']}, 'b'],
    [{not_in: ['a']}, 'b'],
    [{at_least: 5}, '5'],
    [{at_most: '24h', as: 'duration'}, '24h'],
    [{at_least: '1.2-3', as: 'version'}, '1.2-3'],
    [{at_most: '1.2-3', as: 'version'}, '1.2-3'],
    [{contains: ['x']}, 'x y'],
    [{contains_none: ['z']}, 'x y'],
    [{like: ['x*']}, 'xy'],
    [{not_like: ['z*']}, 'xy'],
    [{length_at_least: 2}, 'xy'],
    [{present: true}, 'x'],
    [{present: false}, null],
  ];
  for (const [expectation, value] of held) {
    t.true(compareExpectation('value', expectation, value).ok, JSON.stringify(expectation));
    for (const {check} of flipExpectation(expectation))
      t.false(compareExpectation('value', check, value).ok, JSON.stringify(check));
  }
});
