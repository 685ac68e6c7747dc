import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {writeBundle} from '../../../../agent/checker/bundle.ts';
import type {KnownRule} from '../../../../agent/checker/messages.ts';
import {defaultConfig} from '../../../../agent/config/schema.ts';
import {systemClocks} from '../../../../agent/daemon/checks/clocks.ts';
import {Round, roundLimits} from '../../../../agent/daemon/checks/round.ts';
import {checkerPath} from '../../../../agent/home.ts';
import packageJson from '../../../../package.json' with {type: 'json'};
import type {Rule} from '../../../../policies/pack.ts';
import {ownFolder, packOf} from '../../../helpers/demo-site.ts';
import {ruleOf} from '../../../helpers/rule.ts';
import {eventually} from '../../../helpers/waiting.ts';

const fileRule = (id: string): Rule => ({...ruleOf('file', {path: '/etc/passwd', owner: 'root'}), id});
/** A look that takes as long as it likes: a program that sleeps. */
const slowRule = (id: string, seconds: number): Rule => ({
  ...ruleOf('probe', {command: ['/usr/bin/sleep', String(seconds)], timeout_seconds: 30, exit: 0}),
  id,
});

function roundOf(t: ExecutionContext, rules: Rule[], {budgetMs = 3000, limits = {}} = {}) {
  const bundle = join(ownFolder(t), 'bundle.json');
  writeBundle(bundle, packageJson.version, {config: defaultConfig, packs: [packOf(rules)], waivers: [], notes: []});
  const known = rules.map(
    ({id, severity, title, why}): KnownRule => ({id, pack: 'demo', severity, title, why, budgetMs, watch: []}),
  );
  return new Round(known, {program: checkerPath, bundle, clocks: systemClocks, limits: {...roundLimits, ...limits}});
}

const rulesOf = (findings: Array<{rule: string}>) => findings.map(({rule}) => rule).sort();

/** The processes that a process started, and theirs, by what they run. */
function descendants(pid = process.pid): Array<{pid: number; command: string}> {
  let children: number[] = [];
  try {
    children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').map(Number).filter(Boolean);
  } catch {}
  return children.flatMap(child => [{pid: child, command: commandOf(child)}, ...descendants(child)]);
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

const isThere = (pid: number) => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

/** Kills the checker whose probe sleeps so long, other than one that was killed before. Gives its pid. */
async function killCheckerOf(before: number | null, seconds: number): Promise<number> {
  const isProbe = ({command}: {command: string}) => command.startsWith(`/usr/bin/sleep ${seconds}`);
  const pid = await eventually(
    () =>
      descendants().find(
        ({command, pid}) => pid !== before && /checker/.test(command) && descendants(pid).some(isProbe),
      )?.pid,
    'the probe',
  );
  process.kill(pid, 'SIGKILL');
  return pid;
}

test('Round: a rule that takes too long costs itself alone, also when it is looked at together with others', async t => {
  const rules = [fileRule('a.first'), slowRule('b.quick', 0), slowRule('c.hangs', 29), fileRule('d.last')];
  const judged = await roundOf(t, rules).judge();
  t.deepEqual(rulesOf(judged.findings), ['a.first', 'b.quick', 'd.last']);
  t.deepEqual([...judged.killed], [['c.hangs', 'looking at probe took longer than 3 s and was ended']]);
  t.false(judged.stopped);
  t.is(judged.again.size, 0);
  t.deepEqual(
    descendants().filter(({command}) => command.startsWith('/usr/bin/sleep 29')),
    [],
  );
});

test('Round: a checker that is killed from outside is started again, and nothing is lost', async t => {
  const rules = [fileRule('a.first'), slowRule('b.one', 2.25), slowRule('c.two', 2.5)];
  const judging = roundOf(t, rules, {budgetMs: 20_000}).judge();
  const sleep = await eventually(() => descendants().find(({command}) => /sleep 2.25/.test(command)), 'the probe');
  const checker = descendants().find(
    ({command, pid}) => /checker/.test(command) && descendants(pid).some(child => child.pid === sleep.pid),
  );
  process.kill(checker?.pid as number, 'SIGKILL');
  const judged = await judging;
  t.deepEqual(rulesOf(judged.findings), ['a.first', 'b.one', 'c.two']);
  t.is(judged.killed.size, 0);
});

test('Round: a rule whose checker dies again is given up, and says so', async t => {
  const judging = roundOf(t, [slowRule('a.only', 2.75)], {budgetMs: 20_000}).judge();
  await killCheckerOf(await killCheckerOf(null, 2.75), 2.75);
  const judged = await judging;
  t.deepEqual(judged.findings, []);
  t.deepEqual([...judged.killed], [['a.only', 'the checker was killed by SIGKILL while looking at probe']]);
  t.deepEqual([...judged.again], ['a.only']);
});

test('Round: a checker that dies once while at one rule costs nothing', async t => {
  const judging = roundOf(t, [slowRule('a.only', 2.875)], {budgetMs: 20_000}).judge();
  await killCheckerOf(null, 2.875);
  const judged = await judging;
  t.deepEqual(rulesOf(judged.findings), ['a.only']);
  t.is(judged.killed.size + judged.again.size, 0);
});

test('Round: stop() ends the checker and what it started', async t => {
  const round = roundOf(t, [slowRule('a.hangs', 28)], {budgetMs: 25_000});
  const judging = round.judge();
  const sleep = await eventually(() => descendants().find(({command}) => /sleep 28/.test(command)), 'the probe');
  round.stop();
  t.true((await judging).stopped);
  await eventually(() => !isThere(sleep.pid), 'the end of the probe');
  t.pass();
});

test('Round: a whole round has an end, however much of it hangs', async t => {
  const rules = ['a', 'b', 'c', 'd'].map(id => slowRule(`${id}.hangs`, 27));
  const judged = await roundOf(t, rules, {budgetMs: 1000, limits: {restarts: 2}}).judge();
  t.is(judged.killed.size, 4);
  t.deepEqual(
    [...judged.killed.values()].map(reason => reason.replace(/^.*(ended|died)$/, '$1')),
    ['ended', 'ended', 'died', 'died'],
  );
});

test('Round: without a bundle nothing is judged, and it is said why', async t => {
  const round = new Round(
    [{id: 'a.first', pack: 'demo', severity: 'low', title: '', why: '', budgetMs: 1000, watch: []}],
    {program: checkerPath, bundle: join(ownFolder(t), 'none.json'), clocks: systemClocks, limits: roundLimits},
  );
  const judged = await round.judge();
  t.is(judged.refused?.code, 'REEVE_BUNDLE_UNUSABLE');
});
