import test from 'ava';
import {problemsOf, statusLines} from '../../../agent/cli/status.ts';
import type {AgentStatus} from '../../../agent/ipc/control-messages.ts';

const now = Date.parse('2026-11-21T12:00:00Z');
const well: AgentStatus = {
  reeve: '0.1.0',
  pid: 7,
  startedAt: '2026-11-21T09:00:00.000Z',
  hostname: 'web1',
  enrolment: {
    url: 'wss://reeve.example:7443/agent',
    agent: '6262831b-410f-445d-a39f-797f22a97b31',
    fleet: '2653afa3-2f32-4675-938d-05b9e4542472',
  },
  packs: [
    {
      name: 'linux-baseline',
      version: '1.0.0',
      rules: 186,
      schedule: '0 * * * *',
      nextAt: '2026-11-21T12:07:00.000Z',
      checkedAt: '2026-11-21T11:07:00.000Z',
      durationMs: 3140,
    },
  ],
  refused: null,
  running: null,
  watched: {paths: 340, rules: 120, problem: null},
  counts: {pass: 160, fail: 25, unknown: 1, error: 0},
  stream: {at: {epoch: 1, n: 190}, stored: {epoch: 1, n: 190}, waiting: 0, bytes: 0},
  link: {
    connected: true,
    since: '2026-11-21T09:00:02.000Z',
    problem: null,
    nextTryAt: null,
    acknowledged: {epoch: 1, n: 190},
    spool: {batches: 0, bytes: 0, oldestAt: null},
    clockSkewMs: 40,
    degraded: false,
  },
};
const linesOf = (status: AgentStatus) => statusLines(status, problemsOf(status), {columns: 80, now});

test('statusLines() of a host that is well', t => {
  t.deepEqual(linesOf(well), [
    'agent       web1, reeve 0.1.0, pid 7, started 3 h ago',
    'findings    160 pass, 25 fail, 1 unknown',
    'packs       linux-baseline 1.0.0, 186 rules, judged 53 min ago in 3.1 s, next in',
    '            7 min',
    'watched     340 paths for 120 rules',
    'controller  wss://reeve.example:7443/agent, as',
    '            6262831b-410f-445d-a39f-797f22a97b31',
    'link        connected since 2 h ago',
    'report      190 of 190 acknowledged',
  ]);
});

const link = well.link as NonNullable<AgentStatus['link']>;
const rows: Array<[string, Partial<AgentStatus>, string[], RegExp]> = [
  [
    'a controller that is away',
    {
      link: {
        ...link,
        connected: false,
        since: '2026-11-21T11:00:00.000Z',
        problem: {code: 'TCP_REFUSED', message: 'cannot connect', at: '2026-11-21T11:59:00.000Z'},
        nextTryAt: '2026-11-21T12:01:00.000Z',
        acknowledged: {epoch: 1, n: 180},
        spool: {batches: 2, bytes: 900, oldestAt: '2026-11-21T11:00:00.000Z'},
      },
    },
    ['not connected: cannot connect [TCP_REFUSED]; reeve doctor looks for the cause'],
    /^link {8}not connected since 60 min ago, next try in 60 s\nreport {6}180 of 190 acknowledged, spool holds 2 reports$/m,
  ],
  [
    'a link that is away',
    {link: null},
    ['no link is running: findings are kept here and travel when it is back'],
    /^report {6}nothing of 190 acknowledged$/m,
  ],
  [
    'packs that are refused',
    {
      refused: {
        code: 'REEVE_PACK_INVALID',
        message: 'cannot load the packs: 1 problem',
        problems: ['/etc/reeve/policies/ours/area.yaml:2:1: "rules" is 5, must be a list [REEVE_VALUE_INVALID]'],
        at: '',
      },
    },
    [
      'cannot load the packs: 1 problem [REEVE_PACK_INVALID]: the packs before are in force; reeve config check names each problem',
      '/etc/reeve/policies/ours/area.yaml:2:1: "rules" is 5, must be a list [REEVE_VALUE_INVALID]',
    ],
    /^problems {4}cannot load the packs.*\n.*\n +\/etc\/reeve\/policies\/ours\/area.yaml:2:1: "rules" is 5, must be a list$/m,
  ],
  [
    'packs that could not be loaded yet',
    {packs: [], refused: {code: 'REEVE_LOAD_FAILED', message: 'cannot load: it died', problems: [], at: ''}},
    ['cannot load: it died [REEVE_LOAD_FAILED]: nothing is judged; it is tried again'],
    /^problems {4}cannot load: it died/m,
  ],
  ['a check under way', {running: 'judging linux-baseline'}, [], /^now {9}judging linux-baseline$/m],
  [
    'watches that fail',
    {watched: {paths: 1, rules: 1, problem: 'ENOSPC'}},
    ['not all paths are watched: ENOSPC'],
    /^watched {5}1 path for 1 rule$/m,
  ],
  ['a clock that is wrong', {link: {...link, clockSkewMs: -7_200_000}}, [], /clock 2 h behind$/m],
  [
    'a proxy that ends TLS',
    {link: {...link, degraded: true}},
    [],
    /not bound to the connection, since a proxy\n +ends TLS$/m,
  ],
  ['no controller', {enrolment: null}, [], /^controller {2}none: reeve enroll takes a ticket of one$/m],
  ['a name that would steer a terminal', {hostname: 'a\u001b[2Jb'}, [], /^agent {7}a\\x1b\[2Jb, /m],
];
for (const [what, change, problems, wanted] of rows) {
  test(`reeve status of ${what}`, t => {
    const status = {...well, ...change};
    t.deepEqual(problemsOf(status), problems);
    const lines = linesOf(status);
    t.regex(lines.join('\n'), wanted);
    t.true(lines.every(line => line.length <= 80));
  });
}
