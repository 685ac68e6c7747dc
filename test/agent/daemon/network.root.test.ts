import {type ChildProcess, spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {home, nativePath} from '../../../agent/home.ts';
import {agentSocket, askAgent, askAgentOnce} from '../../../agent/ipc/client.ts';
import type {Finding, Verdict} from '../../../policies/finding.ts';
import {heaviest} from '../../../policies/summary.ts';
import {scratch} from '../../helpers/agent.ts';

const isRoot = process.geteuid?.() === 0;

/** Tries every family of socket in a process that shut itself off, and in a child of it; prints what each attempt gave. */
const attempts = `
  const {createRequire} = require('node:module');
  const native = require(process.argv[1]);
  if (process.argv[2] === 'first') {
    const result = native.restrictSockets();
    const own = require('node:child_process').spawnSync(process.execPath, ['-e', process.env.SCRIPT, process.argv[1]], {encoding: 'utf8'});
    console.log(JSON.stringify({result, child: JSON.parse(own.stdout)}));
  }
  const {connect, createServer} = require('node:net');
  const codeOf = emitter => new Promise(resolve => emitter.once('error', error => resolve(error.code)).once('connect', () => resolve('connected')).once('listening', () => resolve('listening')));
  (async () => console.log(JSON.stringify({
    tcp4: await codeOf(connect(9, '127.0.0.1')),
    tcp6: await codeOf(connect(9, '::1')),
    listen: await codeOf(createServer().listen(0)),
    udp: await codeOf(require('node:dgram').createSocket('udp4').bind(0)),
    unix: await codeOf(connect('/nonexistent')),
  })) ?? process.exit())();
`;

test('after restrictSockets() neither the process nor its children open a network socket', t => {
  const {stdout, stderr} = spawnSync(process.execPath, ['-e', attempts, nativePath, 'first'], {
    encoding: 'utf8',
    env: {SCRIPT: attempts},
  });
  t.is(stderr, '');
  const [first, own] = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
  const shut = {tcp4: 'EAFNOSUPPORT', tcp6: 'EAFNOSUPPORT', listen: 'EAFNOSUPPORT', unix: 'ENOENT'};
  t.is(first.result, 0);
  t.like(first.child, shut);
  t.like(own, shut);
  for (const {udp} of [first.child, own]) t.not(udp, 'listening');
});

test('the agent of root and its checkers are shut off, and judge this machine as a free process does', async t => {
  if (!isRoot) {
    t.log('skipped: the agent of an ordinary user has no privilege to keep from the network');
    t.pass();
    return;
  }
  t.timeout(300_000);
  const agent = start(t);
  await once(agent.child.stderr as NodeJS.ReadableStream, 'data');
  t.is(filterOf(agent.child.pid as number), '2');
  const socket = agentSocket(agent.run);
  for (;;) {
    const checker = childrenOf(agent.child.pid as number)[0];
    const filter = checker === undefined ? null : filterOf(checker);
    if (filter !== null) {
      t.is(filter, '2');
      break;
    }
    await new Promise(setImmediate);
  }
  await askAgentOnce(socket, {verb: 'check'}, {timeoutMs: 240_000});
  const found: Array<Pick<Finding, 'rule' | 'verdict'>> = [];
  for await (const {findings} of askAgent(socket, {verb: 'findings'}))
    found.push(...findings.map(({finding}) => finding));
  const shut = verdicts(found);
  const free = spawnSync(`${home}bin/reeve`, ['check', '--json'], {encoding: 'utf8', maxBuffer: 256 * 1024 * 1024});
  const steady = new Set(steadyRules());
  const differ = [...verdicts(JSON.parse(free.stdout).findings)].filter(
    ([rule, verdict]) => steady.has(rule) && shut.get(rule) !== verdict,
  );
  t.true(steady.size > 100);
  t.deepEqual(differ, []);
});

function start(t: ExecutionContext): {child: ChildProcess; run: string} {
  const folder = scratch(t);
  const run = join(folder, 'run');
  const args = [
    '--disable-warning=ExperimentalWarning',
    `${home}agent/daemon/main.ts`,
    '--state',
    join(folder, 'state'),
    '--run',
    run,
  ];
  const child = spawn(process.execPath, args, {stdio: ['ignore', 'ignore', 'pipe']});
  t.teardown(() => child.kill('SIGKILL'));
  return {child, run};
}

/** The seccomp mode of a process, proc_pid_status(5): 2 is a filter. Null when it is gone. */
function filterOf(pid: number): string | null {
  try {
    return /^Seccomp:\s*(\d)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? null;
  } catch {
    return null;
  }
}

const childrenOf = (pid: number): number[] =>
  readdirSync(`/proc/${pid}/task`).flatMap(task =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );

function verdicts(findings: Array<Pick<Finding, 'rule' | 'verdict'>>): Map<string, Verdict> {
  const groups = Map.groupBy(findings, ({rule}) => rule);
  return new Map([...groups].map(([rule, group]) => [rule, heaviest(group as Finding[]) as Verdict]));
}

/** Files, sockets and processes come and go while other tests run, so rules about all of them are left out. */
function steadyRules(): string[] {
  const {stdout} = spawnSync(`${home}bin/reeve`, ['rules', '--json'], {encoding: 'utf8', maxBuffer: 64 * 1024 * 1024});
  const rules: Array<{id: string; kinds: string[]}> = JSON.parse(stdout);
  return rules.filter(({kinds}) => !kinds.some(kind => ['tree', 'listen', 'process'].includes(kind))).map(({id}) => id);
}
