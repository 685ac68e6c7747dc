import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {agentSocket, askAgentOnce} from '../../../agent/ipc/client.ts';
import {writeJoinTicket} from '../../../controller/protocol/join.ts';
import {passing, round, site, startAgent} from '../../helpers/agent.ts';
import {type TestController, testController} from '../../helpers/controller.ts';

const program = fileURLToPath(new URL('../../../agent/link/main.ts', import.meta.url));

function startLink(t: ExecutionContext, run: string, state: string): ChildProcess {
  mkdirSync(state, {recursive: true});
  const flags = ['--disallow-code-generation-from-strings', program, '--run', run, '--state', state];
  const child = spawn(process.execPath, flags, {stdio: 'ignore'});
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

async function askUntil<T>(ask: () => Promise<T>, fits: (answer: T) => boolean): Promise<T> {
  const end = performance.now() + 30_000;
  for (;;) {
    const answer = await ask();
    if (fits(answer)) return answer;
    if (performance.now() > end) throw new Error(`never: ${JSON.stringify(answer)}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

type Page = {findings: Array<{title: string | null; finding: {subject: string; verdict: string}}>};
const findings = ({ask}: TestController) =>
  ask('GET', '/api/v1/findings').then(({body}) =>
    (body as Page).findings.map(({finding}) => `${finding.subject} ${finding.verdict}`),
  );

test('a real agent, link and controller: enrolled, reported, changed, and after a link that was killed', async t => {
  const controller = await testController(t);
  const {checks, run, folder} = await startAgent(t);
  const {url, pin, fleet} = controller.place;
  const state = join(folder, 'link');
  const link = startLink(t, run, state);
  checks.listener.onLoaded(site());
  checks.listener.onRound(round([passing('a'), passing('b')]));
  const ticket = writeJoinTicket({v: 1, url, pins: [pin], fleet, token: await controller.token()});
  const before = await askUntil(
    () => askAgentOnce(agentSocket(run), {verb: 'status'}),
    ({status}) => status.link !== null,
  );
  t.is(before.status.enrolment, null);
  await askAgentOnce(agentSocket(run), {verb: 'enroll', ticket});
  t.deepEqual(
    await askUntil(
      () => findings(controller),
      found => found.length === 2,
    ),
    ['a pass', 'b pass'],
  );

  link.kill('SIGKILL');
  await once(link, 'close');
  checks.listener.onRound(round([passing('a', {}, 'wrong'), passing('b')]));
  startLink(t, run, state);
  t.deepEqual(
    await askUntil(
      () => findings(controller),
      found => found[0] === 'a fail',
    ),
    ['a fail', 'b pass'],
  );

  const titled = await askUntil(
    () => controller.ask('GET', '/api/v1/findings').then(({body}) => body as Page),
    ({findings}) => findings.every(({title}) => title === 'a rule'),
  );
  t.is(titled.findings.length, 2);
  const hosts = await askUntil(
    () => controller.ask('GET', '/api/v1/hosts').then(({body}) => (body as {hosts: Array<{os: string | null}>}).hosts),
    found => found[0]?.os !== null && found[0]?.os !== undefined,
  );
  t.is(hosts.length, 1);
  const {status} = await askUntil(
    () => askAgentOnce(agentSocket(run), {verb: 'status'}),
    ({status: {link}}) => link?.connected === true && link.problem === null,
  );
  t.is(status.stream.waiting, 0);
});

test('a real controller refuses a token that is used up, and the agent says why', async t => {
  const controller = await testController(t);
  const {run, folder} = await startAgent(t);
  const {url, pin, fleet} = controller.place;
  startLink(t, run, join(folder, 'link'));
  const ticket = writeJoinTicket({v: 1, url, pins: [pin], fleet, token: await controller.token()});
  const other = await startAgent(t);
  startLink(t, other.run, join(other.folder, 'link'));
  await askAgentOnce(agentSocket(run), {verb: 'enroll', ticket});
  await t.throwsAsync(askAgentOnce(agentSocket(other.run), {verb: 'enroll', ticket}), {
    code: 'REEVE_ENROL_FAILED',
    message: /UNAUTHENTICATED/,
  });
});
