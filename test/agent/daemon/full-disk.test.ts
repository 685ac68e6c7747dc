import {execFileSync} from 'node:child_process';
import test from 'ava';
import {agentSocket, askAgentOnce} from '../../../agent/ipc/client.ts';
import {passing, round, startAgent} from '../../helpers/agent.ts';

/** A file of this process may have so many bytes: writes beyond fail as they do on a full disk. */
const limitFiles = (bytes: number | 'unlimited') =>
  execFileSync('prlimit', ['--pid', `${process.pid}`, `--fsize=${bytes}:`]);
process.on('SIGXFSZ', () => {});

test('while its state cannot be written the agent says so, and afterwards has all that it found meanwhile', async t => {
  const agent = await startAgent(t);
  const own = async () => {
    const {findings} = await askAgentOnce(agentSocket(agent.run), {verb: 'findings'});
    return findings.map(({finding}) => `${finding.rule} ${finding.subject} ${finding.verdict}`);
  };
  const state = `reeve.state-unwritable ${agent.state}/agent.db fail`;
  agent.checks.listener.onRound(round([passing('a')]));
  limitFiles(4096);
  t.teardown(() => limitFiles('unlimited'));
  agent.checks.listener.onRound(round([passing('a'), passing('b', {}, `bad ${'x'.repeat(3000)}`)]));
  t.deepEqual(await own(), [state, 'p.rule a pass']);
  limitFiles('unlimited');
  while ((await own()).includes(state)) await new Promise(resolve => setTimeout(resolve, 200));
  t.deepEqual(await own(), ['p.rule a pass', 'p.rule b fail']);
});
