import {chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {LoadedSite, RefusedSite} from '../../../../agent/checker/messages.ts';
import {startChecks} from '../../../../agent/daemon/checks/checks.ts';
import type {Clocks} from '../../../../agent/daemon/checks/clocks.ts';
import type {CheckRound} from '../../../../agent/daemon/contracts.ts';
import {DemoSite} from '../../../helpers/demo-site.ts';
import {Arrivals, eventually} from '../../../helpers/waiting.ts';

const waiverRules = ['reeve.waiver-expired', 'reeve.waiver-orphaned'];

function checksOf(t: ExecutionContext, site: DemoSite, {clocks, limits}: {clocks?: Clocks; limits?: object} = {}) {
  const rounds = new Arrivals<CheckRound>();
  const loaded = new Arrivals<LoadedSite>();
  const refused = new Arrivals<RefusedSite | null>();
  const {configPath, stateDir} = site;
  const checks = startChecks(
    {
      configPath,
      stateDir,
      hostId: 'host-1',
      log: () => {},
      ...(clocks === undefined ? {} : {clocks}),
      ...(limits === undefined ? {} : {limits}),
    },
    {
      onLoaded: event => loaded.add(event),
      onRefused: event => refused.add(event),
      onRound: round => rounds.add(round),
    },
  );
  t.teardown(() => checks.stop());
  return {checks, rounds, loaded, refused};
}

const verdicts = (round: CheckRound | undefined) =>
  Object.fromEntries((round?.findings ?? []).map(({rule, verdict}) => [rule, verdict]));

test('Checks: judges everything at first, then on a change the rules that it matters to', async t => {
  const site = new DemoSite(t, ['one', 'two', 'three']);
  const {checks, rounds, loaded} = checksOf(t, site);
  await checks.start();
  t.is(loaded.all.length, 1);
  await rounds.count(1);
  t.like(rounds.all[0], {
    packs: ['demo'],
    rules: ['files.one', 'files.two', 'files.three', ...waiverRules],
    killed: new Map(),
  });
  t.deepEqual(verdicts(rounds.all[0]), {'files.one': 'pass', 'files.two': 'pass', 'files.three': 'pass'});
  const {running, watched, packs} = checks.status();
  t.is(running, null);
  t.like(watched, {paths: 8, rules: 3, problem: null});
  t.is(packs[0]?.schedule, '0 * * * *');
  t.true(Date.parse(packs[0]?.nextAt ?? '') > Date.now());
  chmodSync(site.at('two'), 0o644);
  await rounds.count(2);
  t.like(rounds.all[1], {packs: [], rules: ['files.two', ...waiverRules]});
  t.deepEqual(verdicts(rounds.all[1]), {'files.two': 'fail'});
  rmSync(site.at('two'));
  await rounds.count(3);
  t.deepEqual(verdicts(rounds.all[2]), {'files.two': 'fail'});
});

test('Checks: checkNow() resolves after its round, requests that come meanwhile are one, and unknown packs are refused', async t => {
  const site = new DemoSite(t, ['one'], 'checks: {watch: false}\n');
  const {checks, rounds} = checksOf(t, site);
  await checks.start();
  const requests = [checks.checkNow(null), checks.checkNow(['demo']), checks.checkNow(['demo'])];
  await t.throwsAsync(checks.checkNow(['none']), {code: 'REEVE_RULE_UNKNOWN'});
  await Promise.all(requests);
  t.true(rounds.all.length <= 2, `${rounds.all.length} rounds`);
  const before = rounds.all.length;
  await checks.checkNow(['demo']);
  t.is(rounds.all.length, before + 1);
  t.deepEqual(checks.status().watched, {paths: 5, rules: 0, problem: null});
});

test('Checks: a site that breaks leaves the last good one in force, over a restart too, until it is right again', async t => {
  const site = new DemoSite(t, ['one', 'two']);
  const first = checksOf(t, site);
  await first.checks.start();
  await first.rounds.count(1);
  site.write('policies/demo/files.yaml', 'area: files\nrules: 5\n');
  await first.refused.count(1);
  t.like(first.refused.all[0], {code: 'REEVE_PACK_INVALID'});
  chmodSync(site.at('two'), 0o644);
  await first.rounds.count(2);
  t.deepEqual(verdicts(first.rounds.all[1]), {'files.two': 'fail'});
  await first.checks.stop();

  const second = checksOf(t, site);
  await second.checks.start();
  t.is(second.loaded.all[0]?.digest, first.loaded.all[0]?.digest);
  t.like(second.refused.all[0], {code: 'REEVE_PACK_INVALID'});
  await second.rounds.count(1);
  t.deepEqual(verdicts(second.rounds.all[0]), {'files.one': 'pass', 'files.two': 'fail'});
  site.writeRules(['one', 'two', 'three']);
  await second.refused.count(2);
  t.is(second.refused.all[1], null);
  await second.rounds.find(({rules}) => rules.includes('files.three'));
  t.is(second.loaded.all.length, 2);
});

test('Checks: start() rejects with the problems of a site without a last good one, and judges when it is put right', async t => {
  const site = new DemoSite(t, ['one']);
  site.write('agent.yaml', 'pack: [demo]\n');
  const {checks, refused, rounds} = checksOf(t, site);
  const error = await t.throwsAsync(checks.start(), {code: 'REEVE_CONFIG_INVALID'});
  t.is((error as Error & {problems: Array<{line: number}>}).problems[0]?.line, 1);
  t.is(refused.all.length, 1);
  await t.throwsAsync(checks.checkNow(null), {code: 'REEVE_CONFIG_INVALID', message: /nothing can be judged/});
  site.writeConfig('');
  await rounds.count(1);
  t.deepEqual(verdicts(rounds.all[0]), {'files.one': 'pass'});
  t.is(refused.all.at(-1), null);
});

test('Checks: a configuration that changes its schedule takes effect, one that says the same changes nothing', async t => {
  const site = new DemoSite(t, ['one'], 'checks: {schedule: "0 3 * * *", splay_minutes: 0}\n');
  const {checks, rounds, loaded} = checksOf(t, site);
  await checks.start();
  await rounds.count(1);
  site.writeConfig('# a remark\nchecks: {schedule: "0 3 * * *", splay_minutes: 0}\n');
  site.writeConfig('checks: {packs: {demo: "30 4 * * *"}, splay_minutes: 0}\n');
  await loaded.count(2);
  t.is(checks.status().packs[0]?.schedule, '30 4 * * *');
  t.is(new Date(checks.status().packs[0]?.nextAt ?? '').getHours(), 4);
  await rounds.count(2);
  t.is(loaded.all.length, 2);
});

test('Checks: a new pack folder is noticed, also when it is broken at first', async t => {
  const site = new DemoSite(t, ['one']);
  site.write('agent.yaml', `packs: [demo, ours]\npolicies_dir: ${site.at('policies')}\n`);
  mkdirSync(site.at('policies/ours'));
  site.write('policies/ours/pack.yaml', 'pack: ours\nversion: 1.0.0\ntitle: Ours\n');
  site.write('policies/ours/area.yaml', 'area: ours\nrules: []\n');
  const {checks, loaded, refused} = checksOf(t, site);
  await t.throwsAsync(checks.start());
  t.true(refused.all[0]?.site.includes(site.at('policies/ours/')));
  t.is(loaded.all.length, 0);
});

test('Checks: a bundle that is gone is written anew, and the round is judged', async t => {
  const site = new DemoSite(t, ['one']);
  const {checks, rounds} = checksOf(t, site);
  await checks.start();
  await rounds.count(1);
  const bundle = join(site.stateDir, 'site-bundle.json');
  writeFileSync(bundle, readFileSync(bundle, 'utf8').replace('0600', '0777'));
  await checks.checkNow(null);
  t.deepEqual(verdicts(rounds.all.at(-1)), {'files.one': 'pass'});
  rmSync(bundle);
  site.write('agent.yaml', 'broken: true\n');
  await eventually(() => checks.status().running === null, 'rest');
  await checks.checkNow(null);
  t.regex(rounds.all.at(-1)?.killed.get('files.one') ?? '', /cannot use/);
});

test('Checks: a storm of changes makes few rounds, and the last state is judged', async t => {
  const site = new DemoSite(t, ['one', 'two']);
  const limits = {eachRule: {burst: 2, everyMs: 4000}};
  const {checks, rounds} = checksOf(t, site, {limits});
  await checks.start();
  await rounds.count(1);
  const end = performance.now() + 3000;
  for (let change = 0; change < 10_000 && performance.now() < end; change++) {
    writeFileSync(site.at(change % 2 === 0 ? 'one' : 'other'), `${change}\n`);
    if (change % 100 === 0) await new Promise(resolve => setTimeout(resolve, 20));
  }
  chmodSync(site.at('one'), 0o666);
  await rounds.find(round => verdicts(round)['files.one'] === 'fail');
  t.true(rounds.all.length <= 6, `${rounds.all.length} rounds`);
  t.true(rounds.all.slice(1).every(({rules}) => !rules.includes('files.two')));
});

test('Checks: waivers that ended or speak of nothing stay found in rounds of other rules', async t => {
  const site = new DemoSite(t, ['one', 'two']);
  site.write(
    'policies/waivers.yaml',
    `waivers:
  - {id: ended, rule: files.one, reason: accepted for a test, owner: A, approved_by: B, expires: "2020-01-01T00:00:00Z"}
  - {id: aside, rule: files.one, subject: /nowhere, reason: accepted for a test, owner: A, approved_by: B, expires: "2990-01-01T00:00:00Z"}
  - {id: used, rule: files.two, reason: accepted for a test, owner: A, approved_by: B, expires: "2990-01-01T00:00:00Z"}
`,
  );
  const {checks, rounds} = checksOf(t, site);
  await checks.start();
  await rounds.count(1);
  const own = (round: CheckRound | undefined) =>
    (round?.findings ?? []).filter(({pack}) => pack === 'reeve').map(({rule, subject}) => `${rule} ${subject}`);
  const wanted = ['reeve.waiver-expired waiver ended', 'reeve.waiver-orphaned waiver aside'];
  t.deepEqual(own(rounds.all[0]), wanted);
  chmodSync(site.at('two'), 0o644);
  await rounds.count(2);
  t.is(verdicts(rounds.all[1])['files.two'], 'waived');
  t.deepEqual(own(rounds.all[1]), wanted);
  site.write('policies/waivers.yaml', 'waivers: []\n');
  const last = await rounds.find(round => verdicts(round)['files.two'] === 'fail');
  t.deepEqual(own(last), []);
});

test('Checks: stop() ends a round, rejects who waits for it, and nothing comes after', async t => {
  const site = new DemoSite(t, ['one']);
  const {checks, rounds} = checksOf(t, site);
  await checks.start();
  const waiting = t.throwsAsync(checks.checkNow(null), {message: 'the agent ends'});
  await checks.stop();
  await waiting;
  t.is(rounds.all.length, 0);
  t.is(checks.status().running, null);
  await t.throwsAsync(checks.checkNow(null), {message: 'the agent ends'});
});
