import {execFile} from 'node:child_process';
import {mkdir, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test from 'ava';
import {askSocket, enrolToken, temporaryFolder} from '../helpers/controller.ts';
import {controllerProcess} from '../helpers/controller-process.ts';
import {ReeveHost, wireFinding} from '../helpers/reeve-host.ts';

const run = promisify(execFile);

test('a full disk: batches are refused, nothing is acknowledged that is not kept, and room is enough to go on', async t => {
  if (process.getuid?.() !== 0) {
    t.log('skipped: only root can mount a small file system');
    t.pass();
    return;
  }
  const state = join(await temporaryFolder(t), 'state');
  await mkdir(state);
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', state]);
  } catch {
    t.log('skipped: mounting is not allowed here');
    t.pass();
    return;
  }
  t.teardown(() => run('umount', ['-l', state]));
  const controller = await controllerProcess(state);
  t.teardown(() => controller.child.kill('SIGKILL'));
  const token = await enrolToken((method, path, body) => askSocket(controller.socket, method, path, body));
  const {host, link} = await ReeveHost.connected(controller.place, token);
  await host.report(link, {t: 'reset'}, {t: 'settled'});

  const ballast = join(state, 'ballast');
  await t.throwsAsync(writeFile(ballast, Buffer.alloc(8 * 1024 * 1024, 1)), {code: 'ENOSPC'});
  const unacknowledged: Array<ReturnType<ReeveHost['seal']>> = [];
  let acknowledged = host.n;
  const big = (index: number) => ({...wireFinding('a', 'fail', `/${index}`), reason: 'x'.repeat(4000)});
  try {
    for (let index = 0; index < 2_000; index++) {
      const sealed = host.seal(host.steps({set: big(index)}));
      unacknowledged.push(sealed);
      host.send(link, sealed);
      acknowledged = (await link.next('ack')).n;
      unacknowledged.pop();
    }
  } catch {}
  t.is((await link.closed).code, 'UNAVAILABLE');
  t.is(unacknowledged.length, 1);

  await rm(ballast);
  const {link: second, welcome} = await host.connect();
  t.is(welcome.ack?.n, acknowledged);
  for (const sealed of unacknowledged) host.send(second, sealed);
  t.is((await second.next('ack')).n, host.n);
  t.is(await controller.end('SIGTERM'), 0);
});
