import {randomBytes, randomUUID, verify} from 'node:crypto';
import {once} from 'node:events';
import {existsSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {createConnection} from 'node:net';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {agentSocket, askAgent, askAgentOnce} from '../../../agent/ipc/client.ts';
import {encodeFrame} from '../../../agent/ipc/frames.ts';
import {fromAgent} from '../../../agent/ipc/link-messages.ts';
import {decompress} from '../../../controller/protocol/codec.ts';
import {rulesDocument} from '../../../controller/protocol/documents.ts';
import {hasShape} from '../../../controller/protocol/shape.ts';
import {enrolBytes, helloBytes, publicKeyFromRaw} from '../../../controller/protocol/signing.ts';
import {LinkClient, passing, round, scratch, site, startAgent, type TestAgent, ticket} from '../../helpers/agent.ts';

/** Enrols the agent over a link, as root and a controller would. */
async function enrol(t: ExecutionContext, {run}: TestAgent, link: LinkClient, options: {replace?: boolean} = {}) {
  const answer = askAgentOnce(agentSocket(run), {verb: 'enroll', ticket: ticket(), ...options});
  const {enrol, publicKey} = await link.next('setup', ({enrol}) => enrol !== null);
  const agent = randomUUID();
  link.send({t: 'enrolled', agent});
  const done = await link.next('setup', ({enrolment}) => enrolment?.agent === agent);
  t.is(done.enrol, null);
  t.like(await answer, {agent, fleet: enrol?.place.fleet, url: 'wss://controller.example:8443/agent'});
  return {agent, publicKey, fleet: enrol?.place.fleet as string};
}

test('an enrolment goes from root to the link and back, is kept, and begins the stream', async t => {
  const agent = await startAgent(t);
  const link = await LinkClient.connect(t, agent.run);
  const first = await link.next('setup');
  t.true(hasShape(fromAgent.setup, first));
  t.is(first.enrolment, null);
  agent.checks.listener.onRound(round([passing('a'), passing('b', {}, 'bad')]));
  const host = await enrol(t, agent, link);
  const {items, from, to} = await link.batch(null, host.agent, host.publicKey);
  t.deepEqual([from, to], [1, 4]);
  t.deepEqual(
    items.map(({t}) => t),
    ['reset', 'set', 'set', 'settled'],
  );
  t.is(statSync(join(agent.state, 'enrolment.json')).mode & 0o777, 0o600);
  t.is(statSync(join(agent.state, 'host.key')).mode & 0o777, 0o600);

  await agent.daemon.stop();
  const again = await startAgent(t, agent.folder);
  const status = await askAgentOnce(agentSocket(again.run), {verb: 'status'});
  t.is(status.status.enrolment?.agent, host.agent);
  t.deepEqual(status.status.counts, {fail: 1, pass: 1});
});

test('a change reaches a waiting link at once, and only the change', async t => {
  const agent = await startAgent(t);
  const link = await LinkClient.connect(t, agent.run);
  const host = await enrol(t, agent, link);
  agent.checks.listener.onRound(round([passing('a'), passing('b')]));
  const {epoch, to} = await link.batch(null, host.agent, host.publicKey);
  const waiting = link.batch({epoch, n: to}, host.agent, host.publicKey);
  agent.checks.listener.onRound(round([passing('a'), passing('b')]));
  agent.checks.listener.onRound(round([passing('a'), passing('b', {}, 'bad')]));
  const {items, from} = await waiting;
  t.is(from, to + 1);
  t.deepEqual(
    items.map(item => item.t === 'set' && [item.f.subject, item.f.verdict]),
    [['b', 'fail']],
  );
  const {status} = await askAgentOnce(agentSocket(agent.run), {verb: 'status'});
  t.deepEqual(status.stream.stored, {epoch, n: to});
});

test('a link that lost its spool learns where the new stream stands', async t => {
  const agent = await startAgent(t);
  const link = await LinkClient.connect(t, agent.run);
  const host = await enrol(t, agent, link);
  agent.checks.listener.onRound(round([passing('a')]));
  const {epoch, to} = await link.batch(null, host.agent, host.publicKey);
  link.send({t: 'next', after: {epoch, n: to}});
  link.send({t: 'next', after: null});
  const batch = await link.next('batch');
  t.is(batch.epoch, epoch + 1);
  const {at} = await link.next('state', ({at}) => at.epoch === epoch + 1);
  t.is(at.n, batch.to);
});

test('an enrolled host is enrolled again only when that is said, and then has a new key and stream', async t => {
  const agent = await startAgent(t);
  const link = await LinkClient.connect(t, agent.run);
  const before = await enrol(t, agent, link);
  agent.checks.listener.onRound(round([passing('a')]));
  const {epoch} = await link.batch(null, before.agent, before.publicKey);
  await t.throwsAsync(askAgentOnce(agentSocket(agent.run), {verb: 'enroll', ticket: ticket()}), {
    code: 'REEVE_ENROLLED_ALREADY',
  });
  const after = await enrol(t, agent, link, {replace: true});
  t.not(after.publicKey, before.publicKey);
  const batch = await link.batch(null, after.agent, after.publicKey);
  t.true(batch.epoch > epoch);
  t.is(batch.items[0]?.t, 'reset');
  await agent.daemon.stop();
  t.false(existsSync(join(agent.state, 'host.key.next')));
  const again = await startAgent(t, agent.folder);
  const next = await LinkClient.connect(t, again.run);
  t.is((await next.next('setup')).publicKey, after.publicKey);
});

test('a refused enrolment says why, leaves nothing behind, and another may follow', async t => {
  const agent = await startAgent(t);
  const link = await LinkClient.connect(t, agent.run);
  const asked = askAgentOnce(agentSocket(agent.run), {verb: 'enroll', ticket: ticket()});
  await link.next('setup', ({enrol}) => enrol !== null);
  link.send({t: 'enrolFailed', code: 'UNAUTHENTICATED', message: 'the token is used up'});
  await t.throwsAsync(asked, {code: 'REEVE_ENROL_FAILED', message: 'the token is used up [UNAUTHENTICATED]'});
  t.is((await link.next('setup')).enrol, null);
  t.false(existsSync(join(agent.state, 'enrolment.json')));
  await enrol(t, agent, link);
  await t.throwsAsync(askAgentOnce(agentSocket(agent.run), {verb: 'enroll', ticket: 'reeve-join:nonsense'}), {
    code: 'REEVE_TICKET_INVALID',
  });
});

test('sign makes hellos and enrolments over what is ours, so many a second, and nothing else', async t => {
  const agent = await startAgent(t);
  const link = await LinkClient.connect(t, agent.run);
  const [nonce, binding] = [randomBytes(32), randomBytes(32)];
  const [nonceText, bindingText] = [nonce.toString('base64'), binding.toString('base64')];
  const hello = {t: 'sign', id: 1, purpose: 'hello', nonce: nonceText, binding: bindingText, join: 'j'} as const;
  const asEnrol = {t: 'sign', id: 2, purpose: 'enrol', nonce: nonceText, binding: bindingText} as const;
  link.send(hello);
  t.like(await link.next('signed'), {id: 1, signature: null, reason: 'this host is not enrolled'});
  link.send(asEnrol);
  t.like(await link.next('signed'), {id: 2, signature: null, reason: 'no enrolment is open'});

  const asked = askAgentOnce(agentSocket(agent.run), {verb: 'enroll', ticket: ticket()});
  const setup = await link.next('setup', ({enrol}) => enrol !== null);
  const raw = Buffer.from(setup.publicKey, 'base64');
  const fleet = setup.enrol?.place.fleet as string;
  link.send(asEnrol);
  const signed = await link.next('signed');
  t.true(
    verify(
      null,
      enrolBytes({fleet, publicKey: raw, nonce, binding}),
      publicKeyFromRaw(raw),
      Buffer.from(signed.signature ?? '', 'base64'),
    ),
  );
  const id = randomUUID();
  link.send({t: 'enrolled', agent: id});
  await asked;
  link.send(hello);
  const greeted = await link.next('signed');
  t.true(
    verify(
      null,
      helloBytes({fleet, agent: id, nonce, binding, join: 'j'}),
      publicKeyFromRaw(raw),
      Buffer.from(greeted.signature ?? '', 'base64'),
    ),
  );
  for (let count = 0; count < 30; count++) link.send({...hello, id: 100 + count});
  t.like(await link.next('signed', ({signature}) => signature === null), {
    reason: 'too many signatures were asked for',
  });
});

test('the rules document has the titles of all rules and of our own, and goes to whoever knows its digest', async t => {
  const agent = await startAgent(t);
  const link = await LinkClient.connect(t, agent.run);
  agent.checks.listener.onLoaded(site());
  const {rules} = await link.next('state', ({rules}) => rules !== null);
  link.send({t: 'wantDocument', digest: 'b'.repeat(64)});
  link.send({t: 'wantDocument', digest: rules as string});
  const {digest, bytes, body} = await link.next('document');
  t.is(digest, rules as string);
  const plain = decompress(Buffer.from(body, 'base64'), bytes) as Buffer;
  t.is(plain.length, bytes);
  const value = JSON.parse(plain.toString('utf8'));
  t.true(hasShape(rulesDocument, value));
  const ids = value.rules.map(({id}: {id: string}) => id);
  t.true(
    ids.includes('p.rule') && ids.includes('reeve.configuration-refused') && ids.includes('reeve.state-unwritable'),
  );
});

test('a refused configuration is a finding with its problems, until it is right again', async t => {
  const agent = await startAgent(t);
  const problem = {
    path: '/etc/reeve/agent.yaml',
    line: 3,
    column: 1,
    message: 'no such key',
    code: 'REEVE_KEY_UNKNOWN',
  };
  agent.checks.listener.onRefused({
    event: 'refused',
    code: 'REEVE_CONFIG_INVALID',
    message: 'one problem',
    problems: [problem],
    site: [],
  });
  const {findings} = await askAgentOnce(agentSocket(agent.run), {verb: 'findings'});
  t.like(findings[0]?.finding, {
    rule: 'reeve.configuration-refused',
    severity: 'high',
    verdict: 'fail',
    actual: {state: ['/etc/reeve/agent.yaml:3:1: no such key [REEVE_KEY_UNKNOWN]']},
  });
  t.like((await askAgentOnce(agentSocket(agent.run), {verb: 'status'})).status.refused, {
    code: 'REEVE_CONFIG_INVALID',
    problems: ['/etc/reeve/agent.yaml:3:1: no such key [REEVE_KEY_UNKNOWN]'],
  });
  agent.checks.listener.onLoaded(site());
  agent.checks.listener.onRefused(null);
  t.deepEqual((await askAgentOnce(agentSocket(agent.run), {verb: 'findings'})).findings, []);
});

test("rules that no pack has any more go, but reeve's own stay", async t => {
  const agent = await startAgent(t);
  agent.checks.listener.onRefused({event: 'refused', code: 'C', message: 'm', problems: [], site: []});
  agent.checks.listener.onRound(round([passing('a'), passing('b', {rule: 'p.old'})], {rules: ['p.rule', 'p.old']}));
  agent.checks.listener.onLoaded(site());
  const {findings} = await askAgentOnce(agentSocket(agent.run), {verb: 'findings'});
  t.deepEqual(
    findings.map(({finding}) => finding.rule),
    ['p.rule', 'reeve.configuration-refused'],
  );
});

test('findings come in pages, and only those that were asked for', async t => {
  const agent = await startAgent(t);
  const all = Array.from({length: 150}, (_, index) => passing(`s${index}`, {severity: index === 0 ? 'low' : 'high'}));
  agent.checks.listener.onRound(round(all));
  const pages = await Array.fromAsync(askAgent(agentSocket(agent.run), {verb: 'findings', verdicts: ['pass']}));
  t.deepEqual(
    pages.map(({findings}) => findings.length),
    [64, 64, 22],
  );
  const low = await askAgentOnce(agentSocket(agent.run), {
    verb: 'findings',
    severities: ['low'],
    packs: ['p'],
    rules: ['p.rule'],
  });
  t.deepEqual(
    low.findings.map(({finding}) => finding.subject),
    ['s0'],
  );
});

test('check asks the checks and answers when they are done', async t => {
  const agent = await startAgent(t);
  t.true((await askAgentOnce(agentSocket(agent.run), {verb: 'check', packs: ['p']})).durationMs >= 0);
  await askAgentOnce(agentSocket(agent.run), {verb: 'check'});
  t.deepEqual(agent.checks.asked, [['p'], null]);
});

test('sockets have their modes, are removed at the end, and a stale one is replaced', async t => {
  const agent = await startAgent(t);
  t.is(statSync(agentSocket(agent.run)).mode & 0o777, 0o600);
  t.is(statSync(join(agent.run, 'link.sock')).mode & 0o777, 0o600);
  await agent.daemon.stop();
  t.false(existsSync(agentSocket(agent.run)));
  await t.throwsAsync(askAgentOnce(agentSocket(agent.run), {verb: 'status'}), {
    code: 'REEVE_AGENT_UNREACHABLE',
    message: /no agent runs there/,
  });
});

test('a second agent is refused, on the same state and on the same sockets', async t => {
  const agent = await startAgent(t);
  await t.throwsAsync(startAgent(t, agent.folder), {code: 'REEVE_AGENT_RUNNING', message: /agent\.db/});
  await t.throwsAsync(startAgent(t, agent.folder, {stateDir: join(agent.folder, 'other')}), {
    code: 'REEVE_AGENT_RUNNING',
    message: /agent\.sock.*answers there already/,
  });
  t.is((await askAgentOnce(agentSocket(agent.run), {verb: 'status'})).status.hostname, 'host.example');
});

test('what stands in the way of a socket is left alone and named', async t => {
  const folder = scratch(t);
  const agent = await startAgent(t, folder);
  await agent.daemon.stop();
  writeFileSync(join(folder, 'run/agent.sock'), 'mine');
  await t.throwsAsync(startAgent(t, folder), {code: 'REEVE_STATE_UNUSABLE', message: /is no socket; remove it/});
  t.is(readFileSync(join(folder, 'run/agent.sock'), 'utf8'), 'mine');
});

test('a request that is none ends the connection, and the agent goes on', async t => {
  const agent = await startAgent(t);
  const attempts = [
    encodeFrame({verb: 'reboot'}),
    encodeFrame({verb: 'status', more: 1}),
    encodeFrame([1]),
    encodeFrame({verb: 'check', packs: Array.from({length: 65}, () => 'p')}),
    Buffer.concat([encodeFrame({verb: 'check'}), encodeFrame({verb: 'check'})]),
    Buffer.from([0, 0x10, 0, 0, 0x7b]),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
  ];
  for (const bytes of attempts) {
    const socket = createConnection(agentSocket(agent.run));
    socket.on('error', () => {});
    socket.write(bytes);
    socket.resume();
    await once(socket, 'close');
  }
  t.is(agent.log.filter(line => line.includes('a connection of the control socket was ended')).length, attempts.length);
  t.truthy(await askAgentOnce(agentSocket(agent.run), {verb: 'status'}));
});
