import {execFileSync} from 'node:child_process';
import {chmodSync, closeSync, mkdirSync, openSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {LoadedSite, RefusedSite} from '../../../../agent/checker/messages.ts';
import {type ChecksLimits, startChecks} from '../../../../agent/daemon/checks/checks.ts';
import {startChecker} from '../../../../agent/daemon/checks/child.ts';
import {systemClocks} from '../../../../agent/daemon/checks/clocks.ts';
import type {CheckRound} from '../../../../agent/daemon/contracts.ts';
import {checkerPath} from '../../../../agent/home.ts';
import {DemoSite} from '../../../helpers/demo-site.ts';
import {Arrivals, eventually} from '../../../helpers/waiting.ts';

/** Checks whose checkers first run some lines of a test; `job` is what they are asked for. */
function checksOf(t: ExecutionContext, site: DemoSite, lines: string, limits: Partial<ChecksLimits> = {}) {
  const program = site.at('checker.mjs');
  site.write(
    'checker.mjs',
    `import {appendFileSync, existsSync} from 'node:fs';
process.stdin.once('readable', async () => {
  const text = String(process.stdin.read());
  process.stdin.unshift(text);
  const {job} = JSON.parse(text);
  appendFileSync(${JSON.stringify(site.at('jobs'))}, job + '\\n');
  const die = () => process.kill(process.pid, 'SIGKILL');
  const isThere = name => existsSync(${JSON.stringify(site.folder)} + '/' + name);
  ${lines}
  await import(${JSON.stringify(checkerPath)});
});
`,
  );
  const rounds = new Arrivals<CheckRound>();
  const loaded = new Arrivals<LoadedSite>();
  const refused = new Arrivals<RefusedSite | null>();
  const log: string[] = [];
  const checks = startChecks(
    {
      configPath: site.configPath,
      stateDir: site.stateDir,
      hostId: 'host-1',
      log: (level, message) => log.push(`${level} ${message}`),
      program,
      limits: {failedLoadMs: 50, unreadSiteMs: 50, diedRuleMs: 50, ...limits},
    },
    {
      onLoaded: event => loaded.add(event),
      onRefused: event => refused.add(event),
      onRound: round => rounds.add(round),
    },
  );
  t.teardown(() => checks.stop());
  return {checks, rounds, loaded, refused, log};
}

const verdicts = (round: CheckRound | undefined) =>
  Object.fromEntries((round?.findings ?? []).map(({rule, verdict}) => [rule, verdict]));
const jobs = (site: DemoSite): string[] => readLines(site.at('jobs'));
const readLines = (path: string) => execFileSync('cat', [path], {encoding: 'utf8'}).trim().split('\n');
const codes = ({all}: Arrivals<RefusedSite | null>) => all.map(refused => refused?.code ?? null);

test('Checks: a loader that is killed at the start is tried again until it worked, and is said once', async t => {
  const site = new DemoSite(t, ['one']);
  site.write('kill', '');
  const {checks, rounds, refused, log} = checksOf(t, site, `if (job !== 'check' && isThere('kill')) die();`);
  await t.throwsAsync(checks.start(), {code: 'REEVE_LOAD_FAILED', message: /killed by SIGKILL/});
  await t.throwsAsync(checks.checkNow(null), {message: /nothing can be judged/});
  await eventually(() => jobs(site).length >= 5, 'more tries');
  t.is(refused.all.length, 1);
  rmSync(site.at('kill'));
  await rounds.count(1);
  t.deepEqual(verdicts(rounds.all[0]), {'files.one': 'pass'});
  t.deepEqual(codes(refused), ['REEVE_LOAD_FAILED', null]);
  t.deepEqual(log, []);
});

test('Checks: a loader that takes too long leaves what was loaded last in force, over a restart too', async t => {
  const site = new DemoSite(t, ['one']);
  const first = checksOf(t, site, '');
  await first.checks.start();
  await first.rounds.count(1);
  await first.checks.stop();
  site.write('hang', '');
  const limits = {loadMs: 6000, failedLoadMs: 60_000};
  const {checks, rounds, refused} = checksOf(t, site, `while (job === 'load' && isThere('hang'));`, limits);
  await checks.start();
  await rounds.count(1);
  t.deepEqual(verdicts(rounds.all[0]), {'files.one': 'pass'});
  t.regex(refused.all[0]?.message ?? '', /it took longer than 6 s$/);
  rmSync(site.at('hang'));
  await checks.reload();
  t.deepEqual(codes(refused), ['REEVE_LOAD_FAILED', null]);
});

test('Checks: a reload that is killed is tried again', async t => {
  const site = new DemoSite(t, ['one', 'two']);
  const {checks, rounds, refused, loaded} = checksOf(t, site, `if (job === 'load' && isThere('kill')) die();`);
  await checks.start();
  await rounds.count(1);
  site.write('kill', '');
  site.writeRules(['one']);
  await refused.count(1);
  await checks.checkNow(null);
  t.deepEqual(verdicts(rounds.all.at(-1)), {'files.one': 'pass', 'files.two': 'pass'});
  rmSync(site.at('kill'));
  await loaded.count(2);
  await refused.count(2);
  t.deepEqual(codes(refused), ['REEVE_LOAD_FAILED', null]);
});

test('Checks: a site whose bundle cannot be written is loaded as soon as it can', async t => {
  const site = new DemoSite(t, ['one', 'two']);
  const inTheWay = join(site.stateDir, 'site-bundle.json.new');
  mkdirSync(inTheWay);
  const {checks, rounds, refused, loaded} = checksOf(t, site, '');
  await t.throwsAsync(checks.start(), {code: 'REEVE_LOAD_FAILED', message: /cannot write "[^"]+site-bundle\.json"/});
  rmSync(inTheWay, {recursive: true});
  await rounds.count(1);
  t.is(Object.keys(verdicts(rounds.all[0])).length, 2);

  mkdirSync(inTheWay);
  site.writeRules(['one']);
  await refused.count(3);
  await checks.checkNow(null);
  t.is(Object.keys(verdicts(rounds.all.at(-1))).length, 2);
  rmSync(inTheWay, {recursive: true});
  await loaded.count(2);
  await refused.count(4);
  t.deepEqual(codes(refused), ['REEVE_LOAD_FAILED', null, 'REEVE_LOAD_FAILED', null]);
});

test('Checks: a bundle that says the same is kept when nothing can be written', async t => {
  const site = new DemoSite(t, ['one']);
  const first = checksOf(t, site, '');
  await first.checks.start();
  await first.checks.stop();
  mkdirSync(join(site.stateDir, 'site-bundle.json.new'));
  const second = checksOf(t, site, '');
  await second.checks.start();
  await second.rounds.count(1);
  t.deepEqual(second.refused.all, []);
});

test('Checks: what was refused without a place in a file is looked at again though no watch tells of it', async t => {
  const site = new DemoSite(t, ['one']);
  // Reading fails there and works later, and nothing of the site itself changes.
  const elsewhere = site.at('elsewhere');
  mkdirSync(elsewhere);
  site.write('agent.yaml', `packs: [demo]\npolicies_dir: ${elsewhere}/policies\n`);
  const {checks, rounds, refused} = checksOf(t, site, '', {maxDirectories: 0});
  const {code} = (await t.throwsAsync(checks.start())) as Error & {code: string};
  execFileSync('cp', ['-r', site.at('policies'), elsewhere]);
  await rounds.count(1);
  t.deepEqual(codes(refused), [code, null]);
});

test('Checks: a rule whose checker dies is judged again by itself, later each time', async t => {
  const site = new DemoSite(t, ['one']);
  const lines = `if (job === 'check' && isThere('kill')) die();`;
  const {checks, rounds} = checksOf(t, site, lines);
  await checks.start();
  await rounds.count(1);
  site.write('kill', '');
  chmodSync(site.at('one'), 0o644);
  await rounds.count(4);
  for (const {killed, rules} of rounds.all.slice(1)) {
    t.regex(killed.get('files.one') ?? '', /killed by SIGKILL/);
    t.true(rules.includes('files.one'));
  }
  rmSync(site.at('kill'));
  await rounds.find(round => verdicts(round)['files.one'] === 'fail');
});

test('Checks: checkNow() before a site is loaded is refused', async t => {
  const site = new DemoSite(t, ['one']);
  const {checks} = checksOf(t, site, '');
  const starting = checks.start();
  await t.throwsAsync(checks.checkNow(null), {code: 'REEVE_CONFIG_INVALID', message: /not loaded yet/});
  await starting;
});

test.serial('startChecker() without a descriptor left says so, and throws nothing', async t => {
  const limit = (count: number) => execFileSync('prlimit', ['--pid', `${process.pid}`, `--nofile=${count}:`]);
  limit(200);
  const open: number[] = [];
  try {
    for (;;) open.push(openSync('/dev/null', 'r'));
  } catch {}
  const child = startChecker(
    {job: 'load', config: null, bundle: '/none'},
    {program: checkerPath, clocks: systemClocks, budgetMs: () => 20_000, onEvent: () => {}},
  );
  const ending = await child.ended;
  for (const fd of open) closeSync(fd);
  limit(4096);
  t.like(ending, {how: 'died', looking: null});
  t.regex(ending.how === 'died' ? ending.reason : '', /cannot start a checker: .*EMFILE/);
});
