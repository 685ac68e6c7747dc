import {execFile} from 'node:child_process';
import {mkdir, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import {askSocket, enrolToken, temporaryFolder} from '../helpers/controller.ts';
import {controllerProcess} from '../helpers/controller-process.ts';
import {ReeveHost, wireFinding} from '../helpers/reeve-host.ts';

const run = promisify(execFile);

/** A folder with 4 MB in all, or null when this account cannot mount one. */
async function smallDisk(t: ExecutionContext): Promise<string | null> {
  if (process.getuid?.() !== 0) {
    t.log('skipped: only root can mount a small file system');
    t.pass();
    return null;
  }
  const state = join(await temporaryFolder(t), 'state');
  await mkdir(state);
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', state]);
  } catch {
    t.log('skipped: mounting is not allowed here');
    t.pass();
    return null;
  }
  t.teardown(() => run('umount', ['-l', state]));
  return state;
}

const fill = (t: ExecutionContext, ballast: string) =>
  t.throwsAsync(writeFile(ballast, Buffer.alloc(8 * 1024 * 1024, 1)), {code: 'ENOSPC'});

test('a controller that starts on a full disk says which file it could not write, and what to do', async t => {
  const state = await smallDisk(t);
  if (state === null) return;
  const ballast = join(state, 'ballast');
  await fill(t, ballast);
  const refusal = /exit 3: .*"level":"error".*cannot use .*controller\.db.*make room on that file system/;
  await t.throwsAsync(controllerProcess(state), {message: refusal});

  await rm(ballast);
  const controller = await controllerProcess(state);
  t.is((await askSocket(controller.socket, 'GET', '/healthz')).status, 200);
  t.is(await controller.end('SIGTERM'), 0);
  // The database is there now, and is not written by a start.
  await rm(join(state, 'agents.key'));
  await fill(t, ballast);
  await t.throwsAsync(controllerProcess(state), {
    message: /exit 3: .*cannot (use|write) .*make room on that file system/,
  });
});

test('a full disk: batches are refused, nothing is acknowledged that is not kept, and room is enough to go on', async t => {
  const state = await smallDisk(t);
  if (state === null) return;
  const controller = await controllerProcess(state);
  t.teardown(() => controller.child.kill('SIGKILL'));
  const token = await enrolToken((method, path, body) => askSocket(controller.socket, method, path, body));
  const {host, link} = await ReeveHost.connected(controller.place, token);
  await host.report(link, {t: 'reset'}, {t: 'settled'});

  const ballast = join(state, 'ballast');
  await fill(t, ballast);
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
  t.true(controller.log.some(line => /cannot use .*controller\.db.*make room on that file system/.test(line)));
  t.is(unacknowledged.length, 1);

  await rm(ballast);
  const {link: second, welcome} = await host.connect();
  t.is(welcome.ack?.n, acknowledged);
  for (const sealed of unacknowledged) host.send(second, sealed);
  t.is((await second.next('ack')).n, host.n);
  t.is(await controller.end('SIGTERM'), 0);
});
