import test from 'ava';
import {cronProblem, parseCron} from '../../../agent/config/cron.ts';
import {parseConfig} from '../../../agent/config/load.ts';

const local = (...parts: [number, number, number, number, number]) => new Date(...parts).getTime();

for (const [expression, after, wanted] of [
  ['0 * * * *', local(2026, 0, 5, 10, 0), local(2026, 0, 5, 11, 0)],
  ['*/20 3 * * *', local(2026, 0, 5, 3, 20), local(2026, 0, 5, 3, 40)],
  ['*/20 3 * * *', local(2026, 0, 5, 3, 40), local(2026, 0, 6, 3, 0)],
  ['30 6 * * 1', local(2026, 0, 5, 7, 0), local(2026, 0, 12, 6, 30)],
  ['0 0 1 1 *', local(2026, 0, 5, 7, 0), local(2027, 0, 1, 0, 0)],
  ['0 0 29 2 *', local(2026, 0, 5, 7, 0), local(2028, 1, 29, 0, 0)],
  ['0 0 L * *', local(2026, 3, 5, 7, 0), local(2026, 3, 30, 0, 0)],
  ['15 8 * * mon-fri', local(2026, 0, 9, 9, 0), local(2026, 0, 12, 8, 15)],
] as const)
  test(`parseCron() finds the time of "${expression}" after ${new Date(after).toISOString()}`, t => {
    t.is(parseCron(expression).next(after), wanted);
  });

for (const [expression, wrong] of [
  ['0 25 * * *', /25 is a invalid expression for hour/],
  ['* * * * * *', /6 fields/],
  ['hourly and often', /3 fields/],
  ['0 0 30 2 *', /impossible day of month/],
  ['0 0 29 2 1', /no day of the next 8 years matches/],
  ['0 0 * * ;', /illegal characters/],
] as const)
  test(`parseCron() refuses "${expression}"`, t => {
    t.regex(cronProblem(expression) ?? '', wrong);
    t.throws(() => parseCron(expression), {message: wrong});
  });

test('parseConfig() names the place of every wrong cron expression', t => {
  const text = 'checks:\n  schedule: "0 * * * 9"\n  packs:\n    ours: "0 0 * * *"\n    theirs: "99 * * * *"\n';
  const {problems} = parseConfig('/etc/reeve/agent.yaml', text);
  t.deepEqual(
    problems.map(({line, column, code}) => ({line, column, code})),
    [
      {line: 2, column: 13, code: 'REEVE_VALUE_INVALID'},
      {line: 5, column: 13, code: 'REEVE_VALUE_INVALID'},
    ],
  );
});
