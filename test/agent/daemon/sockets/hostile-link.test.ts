import {randomBytes, randomUUID} from 'node:crypto';
import {once} from 'node:events';
import {createConnection} from 'node:net';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {agentSocket, askAgentOnce} from '../../../../agent/ipc/client.ts';
import {encodeFrame} from '../../../../agent/ipc/frames.ts';
import {LinkClient, passing, round, startAgent, type TestAgent, ticket} from '../../../helpers/agent.ts';
import {mutated, seeded} from '../../../helpers/random.ts';

/** Whether the agent still does its work: a link of good manners gets an answer, and root too. */
async function isWell(t: ExecutionContext, agent: TestAgent): Promise<void> {
  const link = await LinkClient.connect(t, agent.run);
  t.is((await link.next('setup')).hostname, 'host.example');
  t.truthy(await askAgentOnce(agentSocket(agent.run), {verb: 'status'}));
  link.socket.destroy();
}

const nonce = randomBytes(32).toString('base64');
const position = {epoch: 1, n: 1};
const status = {
  t: 'status',
  connected: true,
  since: '2026-01-01T00:00:00Z',
  problem: null,
  nextTryAt: null,
  acknowledged: null,
  spool: {batches: 0, bytes: 0, oldestAt: null},
  clockSkewMs: null,
  degraded: false,
};

for (const [what, messages, code] of [
  ['no object', [7], 'MISSHAPEN'],
  ['an unknown verb', [{t: 'apply', plan: 'rm'}], 'UNKNOWN_VERB apply'],
  ['a verb of the other socket', [{verb: 'check'}], 'MISSHAPEN'],
  ['a name that every object has', [{t: 'constructor'}], 'UNKNOWN_VERB constructor'],
  ['ready twice', [{t: 'ready', pid: 1}], 'OUT_OF_PHASE ready'],
  ['a position that is none', [{t: 'next', after: {epoch: -1, n: 0}}], 'MISSHAPEN next'],
  ['next without a position', [{t: 'next'}], 'MISSHAPEN next'],
  [
    'a signature over bytes of its choice',
    [{t: 'sign', id: 1, purpose: 'order', nonce, binding: nonce}],
    'MISSHAPEN sign',
  ],
  [
    'a hello with a long join',
    [{t: 'sign', id: 1, purpose: 'hello', nonce, binding: nonce, join: 'x'.repeat(65)}],
    'MISSHAPEN sign',
  ],
  ['a nonce of another size', [{t: 'sign', id: 1, purpose: 'enrol', nonce: 'AAAA', binding: nonce}], 'MISSHAPEN sign'],
  ['an enrolment that nobody began', [{t: 'enrolled', agent: randomUUID()}], 'OUT_OF_PHASE enrolled'],
  ['a failure of one that nobody began', [{t: 'enrolFailed', code: 'X', message: 'x'}], 'OUT_OF_PHASE enrolFailed'],
  ['a resync without a reason', [{t: 'resync', controllerAt: position}], 'MISSHAPEN resync'],
  ['a document that is no digest', [{t: 'wantDocument', digest: '../../etc/shadow'}], 'MISSHAPEN wantDocument'],
  [
    'a status with a long text',
    [{...status, problem: {code: 'x'.repeat(61), message: '', at: ''}}],
    'MISSHAPEN status',
  ],
] as const) {
  test(`a link that says ${what} is let go with a code`, async t => {
    const agent = await startAgent(t);
    const link = await LinkClient.connect(t, agent.run);
    for (const message of messages) link.raw(encodeFrame(message));
    await link.closed;
    t.true(
      agent.log.some(line => line.includes(`"${code}"`)),
      agent.log.join('\n'),
    );
    await isWell(t, agent);
  });
}

for (const [what, bytes] of [
  ['a frame that is too long', Buffer.from([0, 0, 0x40, 1, 0x7b])],
  ['a length of 4 GiB', Buffer.from([0xff, 0xff, 0xff, 0xff])],
  ['no JSON', Buffer.concat([Buffer.from([0, 0, 0, 3]), Buffer.from('{"a')])],
  ['JSON that is nested too deep', Buffer.concat([Buffer.from([0, 0, 0, 100]), Buffer.from('['.repeat(100))])],
  ['an empty frame', Buffer.from([0, 0, 0, 0])],
] as const) {
  test(`a link that sends ${what} is let go`, async t => {
    const agent = await startAgent(t);
    const link = await LinkClient.connect(t, agent.run);
    link.raw(bytes);
    await link.closed;
    await isWell(t, agent);
  });
}

test('before it is ready a link may say nothing else', async t => {
  const agent = await startAgent(t);
  const link = await LinkClient.connect(t, agent.run, {ready: false});
  link.send({t: 'next', after: null});
  await link.closed;
  t.true(agent.log.some(line => line.includes('OUT_OF_PHASE next')));
});

test('a newer link takes over, and the older one is let go', async t => {
  const agent = await startAgent(t);
  const first = await LinkClient.connect(t, agent.run);
  await first.next('state');
  const second = await LinkClient.connect(t, agent.run);
  await first.closed;
  second.send({t: 'sign', id: 5, purpose: 'enrol', nonce, binding: nonce});
  t.is((await second.next('signed')).id, 5);
});

test('more connections than there may be are closed, and those that are there go on', async t => {
  const agent = await startAgent(t);
  const link = await LinkClient.connect(t, agent.run);
  await link.next('state');
  const idle = Array.from({length: 40}, () => createConnection(join(agent.run, 'link.sock')));
  t.teardown(() => idle.forEach(socket => void socket.destroy()));
  for (const socket of idle) socket.on('error', () => {}).resume();
  const closed = idle.map(socket => once(socket, 'close'));
  await Promise.any(closed);
  link.send({t: 'sign', id: 5, purpose: 'enrol', nonce, binding: nonce});
  t.is((await link.next('signed')).id, 5);
  await Promise.all(closed);
  t.true(agent.log.some(line => line.includes('it did not say that it is ready')));
});

test('a link that asks without reading makes the agent keep no more than a few answers', async t => {
  const agent = await startAgent(t);
  const link = await LinkClient.connect(t, agent.run);
  const asked = askAgentOnce(agentSocket(agent.run), {verb: 'enroll', ticket: ticket()});
  await link.next('setup', ({enrol}) => enrol !== null);
  link.send({t: 'enrolled', agent: randomUUID()});
  await asked;
  const cure = () => randomBytes(1500).toString('hex');
  agent.checks.listener.onRound(
    round(Array.from({length: 200}, (_, index) => ({...passing(`s${index}`), cure: cure()}))),
  );
  await link.next('state', ({at}) => at.n > 0);
  link.socket.pause();
  const before = process.memoryUsage().arrayBuffers + process.memoryUsage().external;
  for (let count = 0; count < 3000; count++) link.send({t: 'next', after: null});
  for (let count = 0; count < 50; count++) await askAgentOnce(agentSocket(agent.run), {verb: 'status'});
  const grown = process.memoryUsage().arrayBuffers + process.memoryUsage().external - before;
  t.true(grown < 20e6, `${grown} bytes more`);
  await isWell(t, agent);
});

test('whatever bytes a link sends, the agent goes on', async t => {
  const agent = await startAgent(t);
  const below = seeded(23);
  const whole = [
    {t: 'ready', pid: 1},
    {t: 'next', after: null},
    {t: 'sign', id: 1, purpose: 'hello', nonce, binding: nonce, join: ''},
    {t: 'resync', reason: 'x', controllerAt: position},
    {t: 'wantDocument', digest: 'a'.repeat(64)},
    status,
  ];
  const bytes = Buffer.concat(whole.map(encodeFrame));
  for (let count = 0; count < 200; count++) {
    const socket = createConnection(join(agent.run, 'link.sock'));
    socket.on('error', () => {}).resume();
    const closed = once(socket, 'close').catch(() => {});
    socket.end(below(3) === 0 ? randomBytes(below(300)) : mutated(bytes, below));
    await closed;
  }
  await isWell(t, agent);
  t.false(
    agent.log.some(line => line.startsWith('error')),
    agent.log.filter(line => line.startsWith('error')).join('\n'),
  );
});
