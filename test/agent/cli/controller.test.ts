import {createHash, createPublicKey, generateKeyPairSync} from 'node:crypto';
import {createServer} from 'node:https';
import type {AddressInfo} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {type Controller, controllerAt} from '../../../agent/cli/controller/client.ts';
import {allHosts} from '../../../agent/cli/controller/pages.ts';
import {tokenList} from '../../../controller/protocol/api.ts';
import {makeToken} from '../../../controller/protocol/join.ts';
import {makeCertificate} from '../../../controller/tls/certificate.ts';

const token = makeToken('api');

/** A server with a certificate of its own; `asked` are the requests that it saw. */
async function server(t: ExecutionContext, answer: object): Promise<{url: string; pin: string; asked: string[]}> {
  const {privateKey} = generateKeyPairSync('ec', {namedCurve: 'P-256'});
  const cert = await makeCertificate(privateKey, ['localhost'], new Date());
  const key = privateKey.export({type: 'pkcs8', format: 'pem'});
  const asked: string[] = [];
  const made = createServer({key, cert}, (request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer));
  });
  await new Promise<void>(resolve => made.listen(0, '127.0.0.1', resolve));
  t.teardown(() => made.close());
  const spki = createPublicKey(privateKey).export({type: 'spki', format: 'der'});
  const {port} = made.address() as AddressInfo;
  return {url: `https://localhost:${port}`, pin: createHash('sha256').update(spki).digest('hex'), asked};
}

const list = (controller: Controller) => controller.get('/api/v1/tokens', tokenList);

test('a controller with the key that is pinned gets the token', async t => {
  const {url, pin, asked} = await server(t, {tokens: []});
  t.deepEqual(await list(controllerAt({url, token, pins: ['0'.repeat(64), pin]})), {tokens: []});
  t.deepEqual(asked, [`GET /api/v1/tokens Bearer ${token}`]);
});

test('a controller with another key gets nothing at all', async t => {
  const {url, pin, asked} = await server(t, {tokens: []});
  const wanted = '0'.repeat(64);
  await t.throwsAsync(list(controllerAt({url, token, pins: [wanted]})), {
    code: 'REEVE_CONTROLLER_UNREACHABLE',
    message: `cannot trust the controller at ${url}: its key is ${pin}, wanted ${wanted}`,
  });
  t.deepEqual(asked, []);
});

test('without a pin, a certificate that no authority signed is refused, with the cure', async t => {
  const {url, asked} = await server(t, {tokens: []});
  await t.throwsAsync(list(controllerAt({url, token, pins: []})), {
    code: 'REEVE_CONTROLLER_UNREACHABLE',
    message: `cannot ask the controller at ${url}: its certificate is one that it made itself: give its key with --pin`,
  });
  t.deepEqual(asked, []);
});

test('an answer of another shape is refused', async t => {
  const {url, pin} = await server(t, {tokens: [{id: 1}]});
  await t.throwsAsync(list(controllerAt({url, token, pins: [pin]})), {code: 'REEVE_CONTROLLER_REFUSED'});
});

test('queries repeat what is a list, and leave out what is not there', async t => {
  const {url, pin, asked} = await server(t, {hosts: [], next: null});
  const controller = controllerAt({url: `${url}/under/`, token, pins: [pin]});
  t.deepEqual(await Array.fromAsync(allHosts(controller, {name: ['a&b', 'c'], state: undefined})), []);
  t.deepEqual(asked, [`GET /under/api/v1/hosts?name=a%26b&name=c&limit=500 Bearer ${token}`]);
});

for (const url of ['ftp://a', 'https://user@a', 'nonsense', 'http://192.0.2.1', 'http://localhost.example']) {
  test(`controllerAt() refuses ${url}`, t => {
    t.throws(() => controllerAt({url, token, pins: []}), {code: 'REEVE_USAGE'});
  });
}
