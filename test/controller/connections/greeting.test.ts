import test from 'ava';
import {testController} from '../../helpers/controller.ts';
import {Dialled, ReeveHost} from '../../helpers/reeve-host.ts';

const enrolledOf = async (place: Parameters<typeof Dialled.open>[0], host: ReeveHost, token: string) => {
  const link = await Dialled.open(place);
  host.sendEnrol(link, token);
  return link;
};

test('enrolment takes a token as often as it may be used, and then no more', async t => {
  const controller = await testController(t);
  const token = await controller.token(2);
  const first = await ReeveHost.connected(controller.place, token, 'one');
  const second = await ReeveHost.connected(controller.place, token, 'two');
  t.not(first.host.agent, second.host.agent);
  const third = await enrolledOf(controller.place, new ReeveHost(controller.place, 'three'), token);
  const {close, code} = await third.closed;
  t.deepEqual({close, code}, {close: 4001, code: 'UNAUTHENTICATED'});
});

test('enrolment gives a key that lost its answer its own id again, also when the token is used up', async t => {
  const controller = await testController(t);
  const token = await controller.token(1);
  const {host, link} = await ReeveHost.connected(controller.place, token);
  const agent = host.agent;
  await link.end();
  const again = await Dialled.open(controller.place);
  await host.enrol(again, token);
  t.is(host.agent, agent);
  await t.notThrowsAsync(host.hello(again));
  const page = await controller.ask('GET', '/api/v1/hosts');
  t.is((page.body as {hosts: unknown[]}).hosts.length, 1);
});

test('enrolment refuses a token that was revoked, one that is none, and one of the API', async t => {
  const controller = await testController(t);
  const created = await controller.ask('POST', '/api/v1/tokens', {kind: 'enrol', name: 'x', expiresIn: 600, uses: 1});
  const {id, token} = created.body as {id: string; token: string};
  await controller.ask('DELETE', `/api/v1/tokens/${id}`);
  const api = await controller.ask('POST', '/api/v1/tokens', {kind: 'api', name: 'x', scope: 'admin', expiresIn: 600});
  for (const bad of [token, 'reeve_enrol_x', (api.body as {token: string}).token]) {
    const link = await enrolledOf(controller.place, new ReeveHost(controller.place), bad);
    t.is((await link.closed).code, 'UNAUTHENTICATED', bad.slice(0, 20));
  }
});

test('enrolment refuses who does not hold the key, and a token that somebody else spent on another key', async t => {
  const controller = await testController(t);
  const token = await controller.token(1);
  const thief = new ReeveHost(controller.place);
  const other = new ReeveHost(controller.place);
  thief.publicKey = other.publicKey;
  t.is((await (await enrolledOf(controller.place, thief, token)).closed).code, 'UNAUTHENTICATED');
  await t.notThrowsAsync(ReeveHost.connected(controller.place, token), 'a wrong signature takes no use');
});

test('enrolments beyond their rate are told to come back', async t => {
  const controller = await testController(t, config => {
    config.limits.enrolsPerSecond = 1;
  });
  const token = await controller.token(50);
  const links = await Promise.all(
    Array.from({length: 12}, () => enrolledOf(controller.place, new ReeveHost(controller.place), token)),
  );
  const outcomes = await Promise.all(
    links.map(link =>
      link.next('enrolled').then(
        () => 'enrolled',
        async () => (await link.closed).code,
      ),
    ),
  );
  t.true(outcomes.includes('BUSY'), outcomes.join());
  t.true(outcomes.includes('enrolled'), outcomes.join());
});

test('hello refuses a signature of another key, of another nonce, and of another TLS connection', async t => {
  const controller = await testController(t);
  const {host} = await ReeveHost.connected(controller.place, await controller.token());
  const stranger = new ReeveHost(controller.place);
  stranger.agent = host.agent;
  stranger.join = host.join;
  const wrongKey = await Dialled.open(controller.place);
  wrongKey.send({t: 'hello', b: stranger.helloOf(wrongKey)});
  t.is((await wrongKey.closed).code, 'UNAUTHENTICATED');

  const [one, two, three] = await Promise.all([1, 2, 3].map(() => Dialled.open(controller.place)));
  if (one === undefined || two === undefined || three === undefined) throw new Error('three were opened');
  two.send({t: 'hello', b: host.helloOf(one)});
  t.is((await two.closed).code, 'UNAUTHENTICATED', 'carried over to another connection');
  three.send({t: 'hello', b: host.helloOf(three, {binding: one.binding})});
  t.is((await three.closed).code, 'UNAUTHENTICATED', 'right nonce, another binding');
  await t.notThrowsAsync(host.hello(one), 'and none of them changed anything for the host');
});

test('hello refuses an unknown host and one that an operator removed', async t => {
  const controller = await testController(t);
  const unknown = new ReeveHost(controller.place);
  unknown.agent = '00000000-0000-4000-8000-000000000000';
  const link = await Dialled.open(controller.place);
  link.send({t: 'hello', b: unknown.helloOf(link)});
  t.is((await link.closed).code, 'HOST_UNKNOWN');

  const removed = await ReeveHost.connected(controller.place, await controller.token());
  await controller.ask('POST', `/api/v1/hosts/${removed.host.agent}/state`, {state: 'removed'});
  t.is((await removed.link.closed).code, 'HOST_UNKNOWN', 'its connection ends at once');
  const again = await Dialled.open(controller.place);
  again.send({t: 'hello', b: removed.host.helloOf(again)});
  t.is((await again.closed).code, 'HOST_UNKNOWN');
});

test('hello without a binding is refused unless the controller is configured for a proxy, and is degraded then', async t => {
  const strict = await testController(t);
  const host = new ReeveHost(strict.place);
  const link = await Dialled.open(strict.place);
  host.sendEnrol(link, await strict.token(), {binding: 'proxy'});
  t.is((await link.closed).code, 'UNAUTHENTICATED');

  const lenient = await testController(t, config => {
    config.agents.allowTlsAtProxy = true;
  });
  const {unboundMarker} = await import('../../../controller/protocol/signing.ts');
  const {host: bound, link: first} = await ReeveHost.connected(lenient.place, await lenient.token());
  await first.end();
  const second = await Dialled.open(lenient.place);
  second.send({t: 'hello', b: {...bound.helloOf(second, {binding: unboundMarker}), binding: 'proxy'}});
  await second.next('welcome');
  await second.end();
  await lenient.stop();
  const after = await testController(t, () => {}, lenient.state);
  const {body} = await after.ask('GET', '/api/v1/hosts');
  t.true((body as {hosts: Array<{degraded: boolean}>}).hosts[0]?.degraded);
});

test('hello: two machines with one key are frozen, both connections end, and an operator can let one go on', async t => {
  const controller = await testController(t);
  const {host, link} = await ReeveHost.connected(controller.place, await controller.token());
  await link.end();
  const clone = new ReeveHost(controller.place);
  Object.assign(clone, {agent: host.agent, join: host.join, key: host.key, publicKey: host.publicKey});
  const {link: ofHost} = await host.connect();
  await ofHost.end();
  const {link: again} = await host.connect();

  const ofClone = await Dialled.open(controller.place);
  ofClone.send({t: 'hello', b: clone.helloOf(ofClone)});
  t.is((await ofClone.closed).code, 'HOST_FROZEN');
  t.is((await again.closed).code, 'HOST_FROZEN');
  const refused = await Dialled.open(controller.place);
  refused.send({t: 'hello', b: host.helloOf(refused)});
  t.is((await refused.closed).close, 4004);

  const {status} = await controller.ask('POST', `/api/v1/hosts/${host.agent}/state`, {state: 'active'});
  t.true(status < 300, `answered ${status}`);
  await t.notThrowsAsync(host.connect());
});

test('hello takes the join value before the newest, since an answer can be lost', async t => {
  const controller = await testController(t);
  const {host, link} = await ReeveHost.connected(controller.place, await controller.token());
  const before = host.join;
  await link.end();
  await (await host.connect()).link.end();
  host.join = before;
  await t.notThrowsAsync(host.connect());
});

test('a newer connection of a host ends the older one', async t => {
  const controller = await testController(t);
  const {host, link} = await ReeveHost.connected(controller.place, await controller.token());
  const {link: newer} = await host.connect();
  const {close, code} = await link.closed;
  t.deepEqual({close, code}, {close: 4009, code: 'REPLACED'});
  host.n = 0;
  await t.notThrowsAsync(host.report(newer, {t: 'reset'}, {t: 'settled'}));
});

test('a message out of its phase ends the connection', async t => {
  const controller = await testController(t);
  const early = await Dialled.open(controller.place);
  early.send({
    t: 'heartbeat',
    b: {
      at: {epoch: 1, n: 0},
      digest: '0'.repeat(64),
      documents: {},
      checkedAt: {},
      spool: {batches: 0, bytes: 0},
      time: '2026-11-21T10:00:00Z',
    },
  });
  t.is((await early.closed).code, 'PROTOCOL');
  const {host, link} = await ReeveHost.connected(controller.place, await controller.token());
  link.send({t: 'hello', b: host.helloOf(link)});
  t.is((await link.closed).code, 'PROTOCOL');
  const pair = await Dialled.open(controller.place);
  const hello = host.helloOf(pair);
  pair.send({t: 'hello', b: hello});
  pair.send({t: 'hello', b: hello});
  t.is((await pair.closed).code, 'PROTOCOL', 'two at once');
});
