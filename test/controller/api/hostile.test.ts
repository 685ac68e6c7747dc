import {randomBytes} from 'node:crypto';
import {once} from 'node:events';
import {connect} from 'node:net';
import test from 'ava';
import {FailedAttempts, networkOf} from '../../../controller/api/attempts.ts';
import {makeToken} from '../../../controller/protocol/join.ts';
import {makeSite, type Site} from '../../helpers/site.ts';

/** Sends bytes as they are and gives all that comes back until the other side ends or `until` was seen. */
async function raw(site: Site, text: string, until?: RegExp): Promise<string> {
  const socket = connect(Number(new URL(site.url).port), '127.0.0.1');
  let answer = '';
  const done = new Promise<void>(resolve => {
    socket.on('data', chunk => {
      answer += chunk.toString('latin1');
      if (until?.test(answer)) resolve();
    });
    socket.on('close', () => resolve());
    socket.on('error', () => resolve());
  });
  await once(socket, 'connect');
  socket.write(text);
  await done;
  socket.destroy();
  return answer;
}

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);

test('names in Host that are not the controller are refused, addresses and its own are not', async t => {
  const site = await makeSite(t);
  const get = async (host: string) =>
    statusOf(await raw(site, `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`));
  for (const host of [
    'localhost',
    'LOCALHOST:80',
    '127.0.0.1:1',
    '[::1]:80',
    '10.1.2.3',
    'reeve.example',
    'Reeve.Example.:8443',
  ]) {
    t.is(await get(host), 200, host);
  }
  for (const host of [
    'evil.example',
    'reeve.example.evil.example',
    'localhost.evil.example',
    '127.0.0.1.nip.io',
    'xreeve.example',
  ]) {
    t.is(await get(host), 421, host);
  }
  for (const host of ['', 'reeve.example@evil.example', 'a b', '[::1', 'evil.example#localhost']) {
    t.true([400, 421].includes(await get(host)), host);
  }
});

test('requests that pages of other sites make are refused, links to the page are not', async t => {
  const site = await makeSite(t);
  const own = site.url;
  const status = async (path: string, headers: {[name: string]: string}) => {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return statusOf(
      await raw(
        site,
        `GET ${path} HTTP/1.1\r\nHost: ${new URL(own).host}\r\n${lines.join('')}Connection: close\r\n\r\n`,
      ),
    );
  };
  t.is(await status('/healthz', {Origin: own}), 200);
  t.is(await status('/healthz', {'Sec-Fetch-Site': 'same-origin'}), 200);
  t.is(await status('/healthz', {Origin: 'null'}), 403);
  t.is(await status('/healthz', {Origin: 'https://evil.example'}), 403);
  t.is(await status('/healthz', {Origin: `${own}.evil.example`}), 403);
  for (const where of ['cross-site', 'same-site', 'nonsense']) {
    t.is(await status('/healthz', {'Sec-Fetch-Site': where}), 403, where);
    t.is(await status('/healthz', {'Sec-Fetch-Site': where, 'Sec-Fetch-Mode': 'navigate'}), 403, where);
    t.is(await status('/', {'Sec-Fetch-Site': where, 'Sec-Fetch-Mode': 'no-cors'}), 403, where);
  }
  t.is(
    await status('/', {'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate'}),
    503,
    'the page, that was not built here',
  );
});

test('bodies that are too large, too slow, of another type or no JSON are refused with a code', async t => {
  const site = await makeSite(t, {bodyMs: 200});
  const token = await site.token('admin');
  const head = `POST /api/v1/tokens HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n`;
  const type = 'Content-Type: application/json\r\n';
  const code = (answer: string) => /"code":"(\w+)"/.exec(answer)?.[1];
  t.is(code(await raw(site, `${head}${type}Content-Length: 999999\r\n\r\n`, /"code"/)), 'BODY_TOO_LARGE');
  const chunk = `4000\r\n${' '.repeat(0x4000)}\r\n`;
  t.is(
    code(await raw(site, `${head}${type}Transfer-Encoding: chunked\r\n\r\n${chunk}${chunk}0\r\n\r\n`, /"code"/)),
    'BODY_TOO_LARGE',
  );
  t.is(code(await raw(site, `${head}${type}Content-Length: 10\r\n\r\n{"a`, /"code"/)), 'BODY_TOO_SLOW');
  t.is(code(await raw(site, `${head}Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}`, /"code"/)), 'BODY_TYPE');
  const deep = '['.repeat(5000);
  t.is(code(await raw(site, `${head}${type}Content-Length: 5000\r\n\r\n${deep}`, /"code"/)), 'BAD_BODY');
  t.is((await site.ask('/healthz')).status, 200);
});

test('heads and queries of any size or shape get a refusal, and the next client an answer', async t => {
  const site = await makeSite(t);
  const token = await site.token('read');
  const refused = [
    `GET /api/v1/hosts HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`,
    `GET /api/v1/findings?rule=${'a'.repeat(40_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    `GET /api/v1/hosts HTTP/1.1\r\nHost: localhost\r\n${'X: y\r\n'.repeat(5_000)}\r\n`,
    'GET http://evil.example/api/v1/hosts HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
    'GET /api/v1/hosts HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
    'CONNECT evil.example:80 HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
    'GET /api/v1/hosts/../../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    'POST /api/v1/tokens HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    `${randomBytes(2000).toString('latin1')}\r\n\r\n`,
  ];
  for (const text of refused) {
    const status = statusOf(await raw(site, text));
    t.true(Number.isNaN(status) || (status >= 400 && status < 500), `${status}: ${text.slice(0, 60)}`);
  }
  for (const id of ['%', '%zz', '%e0%a4', '..%2f..', "'%20OR%201=1--", '%F0%9F%98%80', 'a'.repeat(5000)]) {
    const status = (await site.ask(`/api/v1/hosts/${id}`, {token})).status;
    t.true(status === 404 || status === 400, `${status} for ${id.slice(0, 30)}`);
  }
  const answer = await site.ask("/api/v1/findings?rule='%20OR%20''='&host=%25&pack=%22", {token});
  t.deepEqual(await answer.json(), {findings: [], next: null});
});

test('thousands of wrong tokens cost their address a wait, and nobody else anything', async t => {
  let clock = 1_000_000_000;
  const site = await makeSite(t, {now: () => clock});
  const [good, fresh] = [await site.token('read'), await site.token('read')];
  t.is((await site.ask('/api/v1/hosts', {token: good})).status, 200);
  const statuses: number[] = [];
  let waits = '';
  for (let attempt = 0; attempt < 1_000; attempt += 50) {
    const answers = await Promise.all(
      Array.from({length: 50}, (_, index) =>
        site.ask('/api/v1/hosts', {token: index % 2 === 0 ? makeToken('api') : 'x'.repeat(190)}),
      ),
    );
    for (const answer of answers) {
      await answer.arrayBuffer();
      statuses.push(answer.status);
      waits = answer.headers.get('retry-after') ?? waits;
    }
  }
  const refused = statuses.filter(status => status === 401).length;
  t.true(refused >= 20 && refused < 120, `${refused} of 1000 were looked at`);
  t.is(statuses.filter(status => status === 429).length, statuses.length - refused);
  t.true(Number(waits) >= 1 && Number(waits) <= 60, waits);
  t.is((await site.ask('/api/v1/hosts', {token: good})).status, 200, 'a token that was good before still is');
  t.is((await site.ask('/api/v1/hosts', {token: fresh})).status, 429);
  clock += Number(waits) * 1000;
  t.is((await site.ask('/api/v1/hosts', {token: fresh})).status, 200);
});

test('FailedAttempts gives one attempt back at a time, and forgets in time whatever the clock does', t => {
  const attempts = new FailedAttempts();
  for (let n = 0; n < 20; n++) {
    t.is(attempts.waitMs('10.0.0.1', 0), 0, `attempt ${n + 1}`);
    attempts.note('10.0.0.1', 0);
  }
  t.is(attempts.waitMs('10.0.0.1', 0), 3_000);
  t.is(attempts.waitMs('10.0.0.2', 0), 0);
  t.is(attempts.waitMs('10.0.0.1', 3_000), 0);
  attempts.note('10.0.0.1', 3_000);
  t.is(attempts.waitMs('10.0.0.1', 3_000), 3_000);
  t.true(attempts.waitMs('10.0.0.1', -1e12) <= 60_000, 'a clock that went back');
  t.is(attempts.waitMs('10.0.0.1', 1e12), 0);
});

test('FailedAttempts keeps ten thousand addresses and no more', t => {
  const attempts = new FailedAttempts();
  for (let n = 0; n < 30_000; n++) attempts.note(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, 0);
  t.is(attempts.size, 10_000);
});

test('networkOf() takes a /64 of IPv6 for one, and IPv4 in IPv6 for IPv4', t => {
  const rows: Array<[string, string]> = [
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:DB8:1:2::9', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
  ];
  for (const [address, network] of rows) t.is(networkOf(address), network, address);
});
