import {once} from 'node:events';
import {readFile, stat, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import test from 'ava';
import {askSocket, enrolToken, temporaryFolder} from '../helpers/controller.ts';
import {type ControllerProcess, controllerProcess} from '../helpers/controller-process.ts';
import {Dialled, ReeveHost, wireFinding} from '../helpers/reeve-host.ts';

const tokenOf = ({socket}: ControllerProcess) =>
  enrolToken((method, path, body) => askSocket(socket, method, path, body));

test('the controller keeps its key, its pin and its fleet over a restart, in files that are its own', async t => {
  const state = await temporaryFolder(t);
  const first = await controllerProcess(state);
  const modes = await Promise.all(
    ['agents.key', 'controller.db', 'admin.sock'].map(async name => (await stat(join(state, name))).mode & 0o777),
  );
  t.deepEqual(modes, [0o600, 0o600, 0o600]);
  t.is((await askSocket(first.socket, 'GET', '/healthz')).status, 200);
  t.is(await first.end('SIGTERM'), 0);
  await t.throwsAsync(stat(join(state, 'ready.json')), {code: 'ENOENT'});
  const second = await controllerProcess(state);
  const {url: _first, ...kept} = first.place;
  const {url: _second, ...now} = second.place;
  t.deepEqual(now, kept);
  await second.end('SIGTERM');
});

test('a second controller on the same folder is refused, and the first goes on', async t => {
  const state = await temporaryFolder(t);
  const first = await controllerProcess(state);
  await t.throwsAsync(controllerProcess(state), {message: /exit 3: .*another controller uses it/});
  t.is((await askSocket(first.socket, 'GET', '/healthz')).status, 200);
  await first.end('SIGTERM');
});

test('a damaged database is refused with its name, and is not emptied', async t => {
  const state = await temporaryFolder(t);
  const first = await controllerProcess(state);
  await first.end('SIGTERM');
  const path = join(state, 'controller.db');
  const bytes = await readFile(path);
  bytes.fill(0x5a, 4096);
  await writeFile(path, bytes);
  await t.throwsAsync(controllerProcess(state), {message: /exit 3: .*cannot use .*controller\.db.*damaged/});
  t.deepEqual(await readFile(path), bytes);
  await writeFile(path, 'this is no database, but somebody may want it back');
  await t.throwsAsync(controllerProcess(state), {message: /exit 3: .*controller\.db/});
});

test('a database of a newer reeve is refused', async t => {
  const state = await temporaryFolder(t);
  const first = await controllerProcess(state);
  await first.end('SIGTERM');
  const database = new DatabaseSync(join(state, 'controller.db'));
  database.exec('PRAGMA user_version = 99');
  database.close();
  await t.throwsAsync(controllerProcess(state), {message: /exit 3: .*a newer reeve wrote it/});
});

test('wrong arguments and a wrong configuration are named, with exit codes of their own', async t => {
  const state = await temporaryFolder(t);
  await t.throwsAsync(controllerProcess(state, ['--nonsense']), {message: /exit 2: .*nonsense/});
  await t.throwsAsync(controllerProcess(state, ['--api-listen', '0.0.0.0:0']), {message: /exit 2: .*without TLS/});
  await t.throwsAsync(controllerProcess(state, ['--agents-listen', 'here']), {message: /exit 2: .*"here" found/});
  const config = join(state, 'controller.yaml');
  await writeFile(config, 'agents:\n  listen: here\nretention: 3\n', {mode: 0o600});
  await t.throwsAsync(controllerProcess(state, ['--config', config]), {
    message: /exit 78: [\s\S]*controller\.yaml:2:11: [\s\S]*controller\.yaml:3:1: "retention" is not known/,
  });
});

test('SIGTERM says drain, closes with 1012, and ends', async t => {
  const state = await temporaryFolder(t);
  const controller = await controllerProcess(state);
  const {host, link} = await ReeveHost.connected(controller.place, await tokenOf(controller));
  await host.report(link, {t: 'reset'}, {t: 'settled'});
  const ended = controller.end('SIGTERM');
  t.true((await link.next('drain')).afterMs >= 0);
  t.is((await link.closed).close, 1012);
  t.is(await ended, 0);
});

test('kill -9 at any moment: all that was acknowledged is there, and each step once', async t => {
  const state = await temporaryFolder(t);
  const rounds = 6;
  let host: ReeveHost | null = null;
  let acknowledged = 0;
  let sent: Array<ReturnType<ReeveHost['seal']>> = [];
  for (let round = 0; round < rounds; round++) {
    const controller = await controllerProcess(state);
    let link: Dialled;
    if (host === null) {
      host = new ReeveHost(controller.place);
      link = await Dialled.open(controller.place);
      await host.enrol(link, await tokenOf(controller));
      await host.hello(link);
      sent.push(host.seal(host.steps({t: 'reset'}, {set: wireFinding('start')}, {t: 'settled'})));
    } else {
      Object.assign(host, {place: controller.place});
      const {welcome, link: next} = await host.connect();
      link = next;
      const stored = welcome.ack?.n ?? 0;
      t.true(stored >= acknowledged, `${acknowledged} was acknowledged, ${stored} is stored`);
      sent = sent.filter(({to}) => to > stored);
    }
    // Eight are under way all the time; the kill comes after a number of acknowledgements that is another each round.
    const until = 5 + round * 7;
    for (let acks = 0, under = 0; acks < until; ) {
      while (under < 8) {
        const again = sent[under];
        const sealed =
          again ?? host.seal(host.steps({set: wireFinding(`r${host.n % 5}`, host.n % 2 ? 'fail' : 'pass')}));
        if (again === undefined) sent.push(sealed);
        host.send(link, sealed);
        under++;
      }
      const ack = await link.next('ack');
      acknowledged = ack.n;
      const before = sent.length;
      sent = sent.filter(({to}) => to > ack.n);
      under -= before - sent.length;
      acks++;
    }
    await controller.end('SIGKILL');
    await link.closed;
  }
  const database = new DatabaseSync(join(state, 'controller.db'));
  t.is(database.prepare('PRAGMA integrity_check').get()?.integrity_check, 'ok');
  const {last_n: last} = database.prepare('SELECT last_n FROM host').get() as {last_n: number};
  t.true(last >= acknowledged);
  const changes = database.prepare('SELECT n FROM change WHERE epoch = 1 ORDER BY n').all() as Array<{n: number}>;
  const wanted = [2, ...Array.from({length: last - 3}, (_, index) => index + 4)];
  t.deepEqual(
    changes.map(({n}) => n),
    wanted,
    'every step changed its finding, so each is one change',
  );
  database.close();
});

test('a database that cannot be written answers UNAVAILABLE, acknowledges nothing, and recovers by itself', async t => {
  const state = await temporaryFolder(t);
  const controller = await controllerProcess(state);
  const {host, link} = await ReeveHost.connected(controller.place, await tokenOf(controller));
  await host.report(link, {t: 'reset'}, {t: 'settled'});
  const other = new DatabaseSync(join(state, 'controller.db'));
  other.exec('BEGIN IMMEDIATE');
  const sealed = host.seal(host.steps({set: wireFinding('a')}));
  host.send(link, sealed);
  const {close, code} = await link.closed;
  t.deepEqual({close, code}, {close: 4053, code: 'UNAVAILABLE'});
  t.false(link.messages.some(message => message.t === 'ack' && message.b.n >= sealed.to));
  other.exec('ROLLBACK');
  other.close();
  const {link: second, welcome} = await host.connect();
  t.deepEqual(welcome.ack, {epoch: 1, n: 2});
  host.send(second, sealed);
  t.deepEqual(await second.next('ack'), {epoch: 1, n: 3});
  await controller.end('SIGTERM');
});

test('the event loop is free while the database is held up: hosts are greeted and heard', async t => {
  const state = await temporaryFolder(t);
  const controller = await controllerProcess(state);
  const {host, link} = await ReeveHost.connected(controller.place, await tokenOf(controller));
  const other = new DatabaseSync(join(state, 'controller.db'));
  other.exec('BEGIN IMMEDIATE');
  host.send(link, host.seal(host.steps({t: 'reset'}, {t: 'settled'})));
  // All of this is answered before the batch is: the writer waits 5 s for the lock.
  for (let count = 0; count < 3; count++) {
    const stranger = await Dialled.open(controller.place);
    await stranger.end();
    link.ws.ping();
    await once(link.ws, 'pong');
  }
  t.false(link.messages.some(({t: type}) => type === 'ack' || type === 'error'));
  other.exec('ROLLBACK');
  other.close();
  await link.next('ack');
  await controller.end('SIGTERM');
});
