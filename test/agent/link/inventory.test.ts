import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {hostname, tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../../agent/link/clock.ts';
import {DocumentOffer} from '../../../agent/link/connection/documents.ts';
import {Inventory} from '../../../agent/link/inventory/inventory.ts';
import {decompress} from '../../../controller/protocol/codec.ts';
import {inventoryDocument} from '../../../controller/protocol/documents.ts';
import {limits} from '../../../controller/protocol/limits.ts';
import {hasShape} from '../../../controller/protocol/shape.ts';
import {linkWorld} from '../../helpers/link-world.ts';
import {sha256} from '../../helpers/stub-agent.ts';
import {Arrivals, eventually} from '../../helpers/waiting.ts';

type Watched = {inventory: Inventory; changes: Arrivals<string>; problems: Arrivals<string>; folder: string};

/** An inventory whose collector is this script, or the real one. */
function watch(t: ExecutionContext, script: string | null, limitMs?: number): Watched {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-inventory-'));
  const [changes, problems] = [new Arrivals<string>(), new Arrivals<string>()];
  const program = join(folder, 'collect.mjs');
  if (script !== null) writeFileSync(program, script);
  const inventory = new Inventory(
    () => changes.add(inventory.current()?.digest ?? ''),
    systemClock,
    (_level, _message, data) => problems.add(String(data?.problem)),
    script === null ? undefined : program,
    limitMs,
  );
  t.teardown(() => {
    inventory.stop();
    rmSync(folder, {recursive: true, force: true});
  });
  return {inventory, changes, problems, folder};
}

const about = {reeve: '0.1.0', hostname: hostname()};

test('Inventory describes this machine in the shape of its document, with the digest of its bytes', async t => {
  const {inventory, changes} = watch(t, null);
  inventory.describe(about);
  await changes.count(1);
  const found = inventory.current();
  const plain = decompress(found?.body as Buffer, limits.document) as Buffer;
  const document = JSON.parse(plain.toString());
  t.true(hasShape(inventoryDocument, document));
  t.like(document, {hostname: hostname(), os: {arch: process.arch}});
  t.true(document.memoryBytes > 0 && document.cpu.cores > 0 && document.os.id !== '');
  t.is(found?.digest, sha256(plain));
  t.is(found?.bytes, plain.length);
});

test('Inventory has the same digest for the same machine, and another one after its name changed', async t => {
  const {inventory, changes} = watch(t, null);
  inventory.describe(about);
  await changes.count(1);
  inventory.describe({...about, hostname: 'other'});
  await changes.count(2);
  inventory.describe(about);
  await changes.count(3);
  t.is(changes.all[0], changes.all[2]);
  t.not(changes.all[0], changes.all[1]);
});

for (const [title, script, problem] of [
  ['ends with a failure', 'process.exit(3)', /ended with 3/],
  ['writes no JSON', 'process.stdout.write("hello")', /no JSON/],
  ['writes something else', 'process.stdout.write(JSON.stringify({os: {id: 7}}))', /shape of an inventory/],
  ['writes without end', 'setInterval(() => process.stdout.write("x".repeat(65_536)), 1)', /more than 1048576/],
  ['hangs', 'setInterval(() => {}, 1000)', /longer than 500 ms/],
] as const)
  test(`Inventory does without a collector that ${title}`, async t => {
    const {inventory, problems} = watch(t, script, title === 'hangs' ? 500 : 30_000);
    inventory.describe(about);
    await problems.count(1);
    t.regex(problems.all[0] as string, problem);
    t.is(inventory.current(), null);
  });

test('Inventory kills what a collector that hangs has started', async t => {
  const script = `
    import {spawn} from 'node:child_process';
    import {writeFileSync} from 'node:fs';
    const child = spawn('sleep', ['600']);
    writeFileSync(new URL('pid', import.meta.url), String(child.pid));
    setInterval(() => {}, 1000);`;
  const {inventory, problems, folder} = watch(t, script, 2000);
  inventory.describe(about);
  await problems.count(1);
  const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
  await eventually(() => !isRunning(pid), 'the grandchild is gone');
  t.true(pid > 1);
});

/** False too for one that ended and was not waited for. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

test('Inventory gives its collector no environment but a search path', async t => {
  const script = 'process.stdout.write(JSON.stringify(Object.keys(process.env).sort())); process.exit(1)';
  const {inventory, problems, folder} = watch(
    t,
    `import {writeFileSync} from 'node:fs'; writeFileSync(new URL('env', import.meta.url), Object.keys(process.env).sort().join()); ${script}`,
  );
  inventory.describe(about);
  await problems.count(1);
  t.is(readFileSync(join(folder, 'env'), 'utf8'), 'LC_ALL,PATH');
});

test('a new inventory is named by a heartbeat, and sent when the controller does not say that it has it', async t => {
  const {agent, controller, enrol, startLink} = await linkWorld(t);
  enrol();
  let current: {digest: string; bytes: number; body: Buffer} | null = null;
  const link = startLink({inventory: {describe() {}, current: () => current, stop() {}}});
  await agent.said.find(message => message.t === 'status' && message.connected);
  const peer = controller.peers.all[0];
  current = {digest: 'a'.repeat(64), bytes: 1, body: Buffer.from('x')};
  link.inventoryChanged();
  const beat = await peer?.next('heartbeat');
  t.is(beat?.b.documents.inventory, 'a'.repeat(64));
  const document = await peer?.next('document');
  t.like(document?.b, {kind: 'inventory', digest: 'a'.repeat(64)});
});

test('DocumentOffer does not send what the controller has, and sends nothing twice', t => {
  const fetched: string[] = [];
  const timers: Array<() => void> = [];
  const clock = {
    ...systemClock,
    after: (_ms: number, run: () => void) => {
      timers.push(run);
      return () => {};
    },
  };
  const offer = new DocumentOffer((_kind, digest) => fetched.push(digest), clock);
  offer.greeted({rules: 'r1', inventory: 'i1'}, ['r1', 'r1', 'unknown']);
  t.deepEqual(fetched, ['r1']);
  t.true(offer.name({rules: 'r2', inventory: 'i2'}));
  t.false(offer.name({rules: 'r2', inventory: 'i2'}));
  offer.kept(['i2']);
  for (const run of timers) run();
  t.deepEqual(fetched, ['r1', 'r2']);
});
