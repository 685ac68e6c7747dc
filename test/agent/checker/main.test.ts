import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {join} from 'node:path';
import test from 'ava';
import type {CheckerEvent, CheckerJob} from '../../../agent/checker/messages.ts';
import {defaultConfig} from '../../../agent/config/schema.ts';
import {checkerPath} from '../../../agent/home.ts';
import {localHost} from '../../../agent/host/local/host.ts';
import {loadSite} from '../../../agent/packs/load.ts';
import {applicabilityFacts, judgingFacts} from '../../../policies/engine.ts';
import type {FactName} from '../../../policies/facts/index.ts';
import type {Finding} from '../../../policies/finding.ts';
import {DemoSite} from '../../helpers/demo-site.ts';

/** One job in a checker of its own: every event, and how it ended. */
async function run(job: CheckerJob): Promise<{events: CheckerEvent[]; code: number | null}> {
  const child = spawn(process.execPath, [checkerPath], {stdio: ['pipe', 'pipe', 'inherit']});
  child.stdin.write(`${JSON.stringify(job)}\n`);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', chunk => {
    text += chunk;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return {
    events: text
      .trim()
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line)),
    code,
  };
}

const findingsOf = (events: CheckerEvent[]): Finding[] =>
  events.flatMap(event => (event.event === 'finding' ? [event.finding] : []));

const settled = (findings: Finding[]) =>
  findings.map(finding => ({...finding, observedAt: '', costMs: 0})).sort((a, b) => (key(a) < key(b) ? -1 : 1));
const key = ({rule, subject}: Finding) => `${rule} ${subject}`;

/** What other programs, other tests among them, change all the time. */
const restless = new Set<FactName>([
  'tree',
  'processes',
  'processEnvironment',
  'listeners',
  'denials',
  'staleLibraries',
  'time',
  'updates',
  'homes',
]);

test('a check of some rules finds for them what a check of all does, together and apart', async t => {
  const site = new DemoSite(t, []);
  site.write(
    'agent.yaml',
    `policies_dir: ${site.at('policies')}\npacks: [linux-baseline, posit-connect, posit-workbench]\n`,
  );
  const bundle = join(site.stateDir, 'bundle.json');
  const load = await run({job: 'load', config: site.configPath, bundle});
  t.deepEqual(
    load.events.map(({event}) => event),
    ['loaded'],
  );
  const {packs} = await loadSite(localHost('/'), {...defaultConfig, policies_dir: '/none'});
  const rules = packs.flatMap(pack => pack.rules);
  const calm = rules.filter(rule =>
    [...applicabilityFacts([rule]), ...judgingFacts([rule])].every(({request}) => !restless.has(request.fact)),
  );
  t.true(calm.length > 200, `${calm.length}`);
  const check = async (ids: string[], apart = false) => {
    const {events, code} = await run({job: 'check', bundle, packs: null, rules: ids, apart});
    t.is(code, 0);
    return findingsOf(events);
  };
  const whole = await check(calm.map(({id}) => id));
  for (const [every, apart] of [
    [3, false],
    [7, true],
  ] as const) {
    const ids = calm.map(({id}) => id).filter((_, index) => index % every === 0);
    const part = await check(ids, apart);
    t.deepEqual(settled(part), settled(whole.filter(({rule}) => ids.includes(rule))));
  }
});

test('load refuses a broken pack with every problem and its place, and tells what was good last', async t => {
  const site = new DemoSite(t, ['one', 'two']);
  const job: CheckerJob = {job: 'load', config: site.configPath, bundle: join(site.stateDir, 'bundle.json')};
  const [good] = (await run(job)).events;
  site.write('policies/demo/more.yaml', 'area: more\nrules: 5\nothers: 6\n');
  const {events} = await run(job);
  t.deepEqual(
    events.map(({event}) => event),
    ['refused', 'loaded'],
  );
  const [refused, last] = events;
  t.deepEqual(last, good as CheckerEvent);
  t.like(refused, {code: 'REEVE_PACK_INVALID'});
  t.deepEqual(refused?.event === 'refused' ? refused.problems.map(({path, line}) => `${path}:${line}`) : [], [
    `${site.at('policies/demo/more.yaml')}:2`,
    `${site.at('policies/demo/more.yaml')}:3`,
  ]);
});

test('load says what is wrong with attestations too', async t => {
  const site = new DemoSite(t, ['one']);
  site.write('policies/attestations.yaml', 'attestations: 5\n');
  const {events} = await run({job: 'load', config: site.configPath, bundle: join(site.stateDir, 'bundle.json')});
  t.like(events, [{event: 'refused', code: 'REEVE_ATTESTATIONS_INVALID'}]);
});

test('load tells rules with budgets and what to watch for them, and the files of the site', async t => {
  const site = new DemoSite(
    t,
    ['one'],
    'checks: {rule_budget_seconds: 7, schedule: "5 4 * * *", packs: {demo: "6 5 * * *"}}\n',
  );
  site.write(
    'policies/demo/tree.yaml',
    `area: tree
rules:
  - id: tree.demo
    title: Nothing is open to all
    why: It is for a test.
    severity: low
    refs: {}
    check: {all: [{tree: {under: ${site.folder}, find: {mode_any: "0002"}}}, {file: {path: ${site.folder}/*.conf, owner: root}}]}
    none: pass
`,
  );
  const {events} = await run({job: 'load', config: site.configPath, bundle: join(site.stateDir, 'bundle.json')});
  const [loaded] = events;
  t.is(loaded?.event, 'loaded', JSON.stringify(loaded));
  if (loaded?.event !== 'loaded') return;
  t.deepEqual(
    loaded.rules.map(({id, budgetMs, watch}) => ({id, budgetMs, watch})),
    [
      {id: 'files.one', budgetMs: 7000, watch: [site.at('one')]},
      {id: 'tree.demo', budgetMs: 70_000, watch: [`${site.folder}/`]},
    ],
  );
  t.like(loaded.checks, {schedule: '5 4 * * *', packs: {demo: '6 5 * * *'}, splayMinutes: 10, watch: true});
  for (const path of [site.configPath, site.at('policies/'), site.at('policies/demo/')])
    t.true(loaded.site.includes(path), path);
});

test('waivers: what is not judged is not known, what ended is', async t => {
  const site = new DemoSite(t, ['one', 'two']);
  const waiver = (id: string, rule: string, expires: string, subject = '') =>
    `  - {id: ${id}, rule: ${rule}, ${subject}reason: accepted for a test, owner: A, approved_by: B, expires: "${expires}"}\n`;
  site.write(
    'policies/waivers.yaml',
    `waivers:\n${waiver('ended', 'files.one', '2020-01-01T00:00:00Z')}${waiver('lost', 'files.none', '2990-01-01T00:00:00Z')}${waiver('aside', 'files.two', '2990-01-01T00:00:00Z', 'subject: /nowhere, ')}`,
  );
  const bundle = join(site.stateDir, 'bundle.json');
  t.is((await run({job: 'load', config: site.configPath, bundle})).events[0]?.event, 'loaded');
  const states = async (rules: string[] | null) => {
    const {events} = await run({job: 'check', bundle, packs: null, rules, apart: false});
    t.true(findingsOf(events).every(({pack}) => pack === 'demo'));
    const told = events.find(event => event.event === 'waivers');
    return told?.waivers.map(({id, own}) => [id, own === 'unknown' || own === null ? own : own.rule]);
  };
  t.deepEqual(await states(['files.one']), [
    ['ended', 'reeve.waiver-expired'],
    ['lost', 'reeve.waiver-orphaned'],
    ['aside', 'unknown'],
  ]);
  t.deepEqual((await states(null))?.[2], ['aside', 'reeve.waiver-orphaned']);
});

test('a checker ends when nobody holds its input any more, and refuses what is no job', async t => {
  const silent = spawn(process.execPath, [checkerPath], {stdio: ['pipe', 'ignore', 'ignore']});
  silent.stdin.end();
  t.deepEqual(await once(silent, 'close'), [1, null]);
  const long = spawn(process.execPath, [checkerPath], {stdio: ['pipe', 'ignore', 'ignore']});
  long.stdin.on('error', () => {});
  long.stdin.write('x'.repeat(5 * 1024 * 1024));
  t.deepEqual(await once(long, 'close'), [2, null]);
});
