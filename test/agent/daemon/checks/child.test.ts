import {spawn} from 'node:child_process';
import {readFileSync, writeFileSync} from 'node:fs';
import {getPriority} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import type {CheckerEvent} from '../../../../agent/checker/messages.ts';
import {type Ending, startChecker} from '../../../../agent/daemon/checks/child.ts';
import {systemClocks} from '../../../../agent/daemon/checks/clocks.ts';
import {ownFolder} from '../../../helpers/demo-site.ts';
import {eventually} from '../../../helpers/waiting.ts';

/** Runs a program in a checker's place. */
async function run(
  t: ExecutionContext,
  text: string,
  budgetMs = 20_000,
): Promise<{ending: Ending; events: CheckerEvent[]}> {
  const program = join(ownFolder(t), 'program.mjs');
  writeFileSync(program, text);
  const events: CheckerEvent[] = [];
  const child = startChecker(
    {job: 'check', bundle: '/none', packs: null, rules: null, apart: false},
    {program, clocks: systemClocks, budgetMs: () => budgetMs, onEvent: event => events.push(event)},
  );
  return {ending: await child.ended, events};
}

const say = (event: object) => `process.stdout.write(${JSON.stringify(`${JSON.stringify(event)}\n`)});`;

const flood = (text: string) =>
  `import {writeSync} from 'node:fs'; const text = ${JSON.stringify(text)}; for (;;) writeSync(1, text);`;

test('startChecker() gives the job, a low priority and no environment of ours', async t => {
  const {events} = await run(
    t,
    `import {getPriority} from 'node:os';
    process.stdin.once('data', job => {
      const what = JSON.stringify([JSON.parse(job).bundle, getPriority(), Object.keys(process.env).sort()]);
      process.stdout.write(JSON.stringify({event: 'looking', what, rules: []}) + '\\n');
      process.exit(0);
    });`,
  );
  const [looking] = events;
  t.deepEqual(JSON.parse(looking?.event === 'looking' ? looking.what : ''), [
    '/none',
    Math.min(19, getPriority() + 10),
    ['LC_ALL', 'MALLOC_ARENA_MAX', 'MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_', 'PATH'],
  ]);
});

test('startChecker() ends a checker that says nothing in time', async t => {
  const {ending} = await run(t, 'setInterval(() => {}, 1000);', 500);
  t.deepEqual(ending, {how: 'overdue', looking: null, budgetMs: 500});
});

test('startChecker() ends a checker that burns the processor without a pause', async t => {
  const {ending} = await run(t, `${say({event: 'looking', what: 'judging', rules: ['a']})} for (;;);`, 1500);
  t.like(ending, {how: 'overdue', looking: {what: 'judging', rules: ['a']}});
});

test('startChecker() says of a checker that died what it was at, and its last words', async t => {
  const looking = {event: 'looking', what: 'file', rules: ['a', 'b']};
  const {ending} = await run(t, `${say(looking)} throw new Error('out of luck');`);
  t.deepEqual(ending, {how: 'died', looking, reason: 'the checker ended with status 1: Error: out of luck'} as never);
});

test('startChecker() takes a checker that ends well without being done for one that died', async t => {
  const {ending} = await run(t, say({event: 'looking', what: 'file', rules: ['a']}));
  t.like(ending, {how: 'died', reason: 'the checker ended with status 0'});
});

for (const [what, text] of [
  ['no JSON', `process.stdout.write('hello\\n'); setInterval(() => {}, 1000);`],
  ['an event that there is not', `${say({event: 'toString'})} setInterval(() => {}, 1000);`],
  ['an event without its fields', `${say({event: 'done'})} setInterval(() => {}, 1000);`],
  ['a line without an end', flood('x'.repeat(1 << 20))],
  ['lines without an end', flood(`${JSON.stringify({event: 'looking', what: 'file', rules: []})}\n`.repeat(1000))],
] as const)
  test(`startChecker() ends a checker that writes ${what}`, async t => {
    const {ending} = await run(t, text);
    t.like(ending, {how: 'died', reason: 'the checker wrote what it must not'});
  });

test('startChecker() says when there is no such program', async t => {
  const child = startChecker(
    {job: 'load', config: null, bundle: '/none'},
    {program: '/none/checker.ts', clocks: systemClocks, budgetMs: () => 20_000, onEvent: () => {}},
  );
  t.like(await child.ended, {how: 'died', looking: null});
});

const isThere = (pid: number) => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

for (const [what, loop] of [
  ['waits', 'setInterval(() => {}, 1000);'],
  ['burns the processor', 'for (;;);'],
] as const)
  test(`a checker that ${what} ends when the agent is killed`, async t => {
    const folder = ownFolder(t);
    const [program, pidFile, agent] = ['checker.mjs', 'pid', 'agent.mjs'].map(name => join(folder, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(
      program,
      `import {writeFileSync} from 'node:fs'; writeFileSync('${pidFile}', String(process.pid)); ${loop}`,
    );
    const child = fileURLToPath(new URL('../../../../agent/daemon/checks/child.ts', import.meta.url));
    const clocks = fileURLToPath(new URL('../../../../agent/daemon/checks/clocks.ts', import.meta.url));
    writeFileSync(
      agent,
      `import {startChecker} from '${child}'; import {systemClocks} from '${clocks}';
      startChecker({job: 'load', config: null, bundle: '/none'},
        {program: '${program}', clocks: systemClocks, budgetMs: () => 60000, onEvent() {}});`,
    );
    const daemon = spawn(process.execPath, [agent], {stdio: 'ignore'});
    const pid = await eventually(() => {
      try {
        return Number(readFileSync(pidFile, 'utf8'));
      } catch {
        return 0;
      }
    }, 'the checker');
    t.true(isThere(pid));
    daemon.kill('SIGKILL');
    await eventually(() => !isThere(pid), 'the end of the checker');
  });
