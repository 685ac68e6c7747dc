import test from 'ava';
import {compareTyped, parseDuration, type ValueType} from '../../policies/values.ts';

const rows: Array<[ValueType, string, string, 'less' | 'equal' | 'greater' | 'no order']> = [
  ['text', 'no', 'no', 'equal'],
  ['text', 'No', 'no', 'no order'],
  ['text-any-case', 'No', 'no', 'equal'],
  ['number', '10', '9', 'greater'],
  ['number', '-1', '0', 'less'],
  ['number', '0x10', '16', 'no order'],
  ['number', '', '0', 'no order'],
  ['octal', '027', '22', 'greater'],
  ['octal', '0027', '027', 'equal'],
  ['octal', '8', '7', 'no order'],
  ['boolean', 'yes', 'true', 'equal'],
  ['boolean', 'off', '1', 'less'],
  ['boolean', 'maybe', 'no', 'no order'],
  ['duration', '24h', '1d', 'equal'],
  ['duration', '90', '1m', 'greater'],
  ['duration', '3month', '13 weeks', 'greater'],
  ['duration', '1 year', '366d', 'less'],
  ['duration', 'soon', '1m', 'no order'],
  ['bytes', '1M', '1024k', 'equal'],
  ['bytes', '1 GiB', '1G', 'equal'],
  ['bytes', '12 parsecs', '1', 'no order'],
  ['version', '1:1.0', '2.0', 'greater'],
  ['version', '1.0~rc1', '1.0', 'less'],
];

for (const [type, a, b, order] of rows) {
  test(`compareTyped() as ${type} finds "${a}" ${order} against "${b}"`, t => {
    const found = compareTyped(type, a, b);
    t.is(found === null ? 'no order' : found < 0 ? 'less' : found > 0 ? 'greater' : 'equal', order);
  });
}

test('parseDuration() adds up units and refuses what is left over', t => {
  t.is(parseDuration('1h30m'), 5400);
  t.is(parseDuration('2 days 1 h'), 176_400);
  t.is(parseDuration('1h-30m'), null);
  t.is(parseDuration(''), null);
  t.is(parseDuration('5 fortnights'), null);
});
