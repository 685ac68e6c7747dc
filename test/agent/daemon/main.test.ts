import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {home} from '../../../agent/home.ts';
import {agentSocket, askAgentOnce} from '../../../agent/ipc/client.ts';
import {scratch} from '../../helpers/agent.ts';
import {DemoSite} from '../../helpers/demo-site.ts';

type Running = {
  child: ChildProcess;
  run: string;
  state: string;
  stderr(): string;
  said(words: string): Promise<void>;
  ended: Promise<number | null>;
};

/** The agent as it is started for good, in folders of the test. */
function start(t: ExecutionContext, folder: string, ...more: string[]): Running {
  const [state, run] = [join(folder, 'state'), join(folder, 'run')];
  const args = [
    '--disallow-code-generation-from-strings',
    '--disable-warning=ExperimentalWarning',
    `${home}agent/daemon/main.ts`,
  ];
  const child = spawn(process.execPath, [...args, '--state', state, '--run', run, ...more], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let text = '';
  child.stderr.on('data', chunk => {
    text += chunk;
  });
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  const said = async (words: string) => {
    while (!text.includes(words)) {
      const more = await Promise.race([once(child.stderr, 'data'), ended.then(() => null)]);
      if (more === null && !text.includes(words)) throw new Error(`the agent ended: ${text}`);
    }
  };
  return {child, run, state, stderr: () => text, said, ended};
}

test('the agent judges at its start, again when asked, and ends cleanly', async t => {
  const site = new DemoSite(t, ['one', 'two']);
  const agent = start(t, scratch(t), '--config', site.configPath);
  await agent.said('the agent runs');
  const socket = agentSocket(agent.run);
  await askAgentOnce(socket, {verb: 'check'}, {timeoutMs: 60_000});
  t.deepEqual((await askAgentOnce(socket, {verb: 'status'})).status.counts, {pass: 2});
  chmodSync(site.at('one'), 0o644);
  await askAgentOnce(socket, {verb: 'check'}, {timeoutMs: 60_000});
  const {findings} = await askAgentOnce(socket, {verb: 'findings', verdicts: ['fail']});
  t.deepEqual(
    findings.map(({finding}) => finding.rule),
    ['files.one'],
  );
  const {status} = await askAgentOnce(socket, {verb: 'status'});
  t.is(status.packs[0]?.rules, 2);
  t.truthy(status.packs[0]?.checkedAt);
  agent.child.kill('SIGTERM');
  t.is(await agent.ended, 0);
  t.false(existsSync(socket));
  for (const line of agent.stderr().trim().split('\n')) t.is(JSON.parse(line).part, 'agent');
});

test('a configuration that becomes wrong is a finding, and what was loaded stays in force', async t => {
  const site = new DemoSite(t, ['one']);
  const agent = start(t, scratch(t), '--config', site.configPath);
  await agent.said('the agent runs');
  const socket = agentSocket(agent.run);
  await askAgentOnce(socket, {verb: 'check'}, {timeoutMs: 60_000});
  site.write('agent.yaml', 'no_such_key: 1\n');
  agent.child.kill('SIGHUP');
  await agent.said('the configuration is refused');
  const {findings} = await askAgentOnce(socket, {verb: 'findings'});
  t.deepEqual(
    findings.map(({finding}) => finding.rule),
    ['files.one', 'reeve.configuration-refused'],
  );
  await askAgentOnce(socket, {verb: 'check'}, {timeoutMs: 60_000});
  site.writeConfig('');
  agent.child.kill('SIGHUP');
  const rules = async () => (await askAgentOnce(socket, {verb: 'findings'})).findings.map(({finding}) => finding.rule);
  // The signal and the request may change places on their way.
  while ((await rules()).includes('reeve.configuration-refused'))
    await askAgentOnce(socket, {verb: 'check'}, {timeoutMs: 60_000});
  t.deepEqual(await rules(), ['files.one']);
});

test('a state that others may read, that is a link, or that is damaged is refused', async t => {
  const folder = scratch(t);
  mkdirSync(join(folder, 'state'), {mode: 0o755});
  const open = start(t, folder);
  t.is(await open.ended, 78);
  t.regex(open.stderr(), /REEVE_STATE_UNUSABLE/);
  t.regex(open.stderr(), /mode is 0755, others must be kept out \(chmod go=\)/);
  chmodSync(join(folder, 'state'), 0o700);
  writeFileSync(join(folder, 'elsewhere'), 'x', {mode: 0o600});
  symlinkSync('../elsewhere', join(folder, 'state/host.key'));
  const linked = start(t, folder);
  t.is(await linked.ended, 78);
  t.regex(linked.stderr(), /host\.key.*it is a symbolic link/);
  const other = scratch(t);
  mkdirSync(join(other, 'state'), {mode: 0o700});
  writeFileSync(join(other, 'state/host.key'), readFileSync(join(folder, 'elsewhere')), {mode: 0o640});
  const readable = start(t, other);
  t.is(await readable.ended, 78);
  chmodSync(join(other, 'state/host.key'), 0o600);
  const wrong = start(t, other);
  t.is(await wrong.ended, 78);
  t.regex(wrong.stderr(), /it holds no Ed25519 key/);
});

test('options that are none end with 2 and a hint', async t => {
  for (const args of [['--colour'], ['--link-uid', '5'], ['--link-uid', 'me', '--link-gid', '5']]) {
    const agent = start(t, scratch(t), ...args);
    t.is(await agent.ended, 2);
    t.regex(agent.stderr(), /^reeve: error: .*\nreeve: hint: reeve agent --help/);
  }
});
