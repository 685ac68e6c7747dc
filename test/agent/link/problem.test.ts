import {readFileSync} from 'node:fs';
import test from 'ava';
import {cures} from '../../../agent/link/diagnose/cures.ts';
import {LinkProblem, ownProblems, shorten} from '../../../agent/link/problem.ts';
import {QuietLog} from '../../../agent/link/quiet-log.ts';
import {closeCodes} from '../../../controller/protocol/close-codes.ts';

const page = readFileSync(new URL('../../../docs/link.md', import.meta.url), 'utf8');

test('docs/link.md has every code that status can say, and no other', t => {
  const rows = [...page.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code as string);
  t.deepEqual(rows.sort(), [...ownProblems].sort());
  for (const name of Object.keys(closeCodes)) t.true(page.includes(`\`${name}\``), name);
});

test('diagnose() has a cure for every code that no retry helps against', t => {
  const final = Object.entries(closeCodes).filter(([, {retry}]) => !retry);
  for (const [name] of final) if (name !== 'STREAM_REPLAYED') t.truthy(cures[name as keyof typeof cures], name);
});

test('shorten() leaves nothing that a terminal would obey', t => {
  t.is(shorten('a\u001b[31mb\nc\u202ed', 400), 'a?[31mb?c?d');
  t.is(shorten('x'.repeat(500)).length, 400);
});

test('QuietLog says a trouble once, then at growing intervals, and a new one at once', t => {
  let now = 0;
  const lines: unknown[] = [];
  const clock = {monotonic: () => now, wall: () => now, after: () => () => {}};
  const quiet = new QuietLog((_level, _message, data) => lines.push(data?.code), clock, 'x');
  const trouble = () => quiet.trouble(new LinkProblem('TCP_REFUSED', 'm'));
  for (; now < 3 * 3600_000; now += 10_000) trouble();
  t.is(lines.length, 6);
  quiet.trouble(new LinkProblem('SILENT', 'm'));
  t.is(lines.at(-1), 'SILENT');
  quiet.over();
  quiet.trouble(new LinkProblem('SILENT', 'm'));
  t.is(lines.length, 8);
});

test('QuietLog warns of a trouble that may pass only once it has lasted', t => {
  let now = 0;
  const lines: string[] = [];
  const clock = {monotonic: () => now, wall: () => now, after: () => () => {}};
  const quiet = new QuietLog(level => lines.push(level), clock, 'x', 10_000);
  const trouble = () => quiet.trouble(new LinkProblem('AGENT_AWAY', 'm'));
  for (; now < 10_000; now += 500) trouble();
  t.deepEqual(lines, ['info']);
  for (; now < 30_000; now += 500) trouble();
  t.deepEqual(lines, ['info', 'warning']);
  quiet.over();
  trouble();
  t.deepEqual(lines, ['info', 'warning', 'info']);
});
