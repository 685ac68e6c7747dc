import {chmodSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {makeUpWorld, partOf, processesOf, RunningUp, runReeve} from '../../helpers/up.ts';

test.serial('reeve up --once --json prints one document, leaves no process, and finds itself again', async t => {
  const world = makeUpWorld();
  t.teardown(world.remove);
  const first = await runReeve(['up', '--once', '--json', ...world.args]);
  t.is(first.status, 0, first.stderr);
  const {schema, host, findings, acknowledged} = JSON.parse(first.stdout);
  t.is(schema, 'reeve.up/1');
  t.is(host.state, 'active');
  t.true(host.packs.some((pack: {name: string}) => pack.name === 'tiny'));
  t.is(findings.length, 1);
  t.like(findings[0], {
    title: 'Nobody else reads the secret',
    finding: {rule: 'tiny.secret', verdict: 'fail', actual: {mode: '0644'}, expected: {mode: 'at most 0600'}},
  });
  t.deepEqual(acknowledged.position, host.stream);
  t.true(acknowledged.position.n >= 1);
  t.regex(acknowledged.controller, /^http:\/\/127\.0\.0\.1:\d+$/);
  t.deepEqual(processesOf(world.state), []);

  const ports = readFileSync(join(world.state, 'up.json'), 'utf8');
  chmodSync(world.file, 0o600);
  const second = await runReeve(['up', '--once', '--json', ...world.args]);
  t.is(second.status, 0, second.stderr);
  const again = JSON.parse(second.stdout);
  t.is(again.host.id, host.id);
  t.deepEqual(
    again.findings.map((one: {finding: {verdict: string}}) => one.finding.verdict),
    ['pass'],
  );
  t.is(readFileSync(join(world.state, 'up.json'), 'utf8'), ports, 'the page stays at its address');
});

test.serial('reeve up shows changes, starts again what is killed, and ends on Ctrl-C', async t => {
  const world = makeUpWorld();
  const up = new RunningUp(world.args);
  t.teardown(async () => {
    await up.stop('SIGTERM');
    world.remove();
  });
  const {base, token} = await up.ready();
  t.regex(up.stdout, /^FAIL {4}high {5}tiny\.secret\n {8}Nobody else reads the secret$/m);
  const ask = (path: string, secret: string) => fetch(`${base}${path}`, {headers: {authorization: `Bearer ${secret}`}});
  t.is((await ask('/api/v1/hosts', token)).status, 200);
  t.is((await ask('/api/v1/tokens', token)).status, 403, 'the token of the page may read only');

  const refused = await runReeve(['up', '--once', ...world.args]);
  t.is(refused.status, 78);
  t.regex(refused.stderr, /^reeve: error: another reeve up uses "[^"]+": end it, or .* \[REEVE_UP_RUNNING\]$/m);

  chmodSync(world.file, 0o600);
  await up.until(() => /^\d\d:\d\d:\d\d PASS {4}tiny\.secret, was fail$/m.test(up.stdout));

  const before = processesOf(world.state).filter(one => ['controller', 'daemon', 'link'].includes(partOf(one)));
  t.deepEqual(before.map(partOf).sort(), ['controller', 'daemon', 'link']);
  for (const {argv, environment} of processesOf(world.state)) {
    t.notRegex(argv.join(' '), /reeve_(api|enrol)_|reeve-join:/);
    t.notRegex(environment, /reeve_(api|enrol)_|reeve-join:/);
  }
  for (const {pid} of before) process.kill(pid, 'SIGKILL');
  chmodSync(world.file, 0o640);
  await up.until(() => /^\d\d:\d\d:\d\d FAIL {4}tiny\.secret, was pass$/m.test(up.stdout));
  for (const part of ['controller', 'agent', 'link'])
    t.regex(up.stderr, new RegExp(`^reeve: the ${part} was ended by SIGKILL; it is started again in \\d s$`, 'm'));
  t.is(up.stdout.match(/tiny\.secret, was/g)?.length, 2, 'each change is shown once');

  t.is(await up.stop('SIGINT'), 0);
  t.deepEqual(processesOf(world.state), []);
  const next = new RunningUp(world.args);
  t.teardown(() => next.stop('SIGTERM'));
  const later = await next.ready();
  t.is(later.base, base);
  t.is((await ask('/api/v1/hosts', token)).status, 401, 'the token of the page ended with reeve up');
  t.is((await ask('/api/v1/hosts', later.token)).status, 200);
});

test.serial('a killed reeve up takes its processes with it, and the next one starts', async t => {
  const world = makeUpWorld();
  const up = new RunningUp(world.args);
  t.teardown(async () => {
    await up.stop('SIGTERM');
    world.remove();
  });
  const {base} = await up.ready();
  up.process.kill('SIGKILL');
  await up.ended;
  const next = await runReeve(['up', '--once', '--json', ...world.args]);
  t.is(next.status, 0, next.stderr);
  t.is(JSON.parse(next.stdout).acknowledged.controller, base, 'at the same address');
  t.deepEqual(processesOf(world.state), []);
});

test.serial('reeve up that is asked to end while it starts leaves no process', async t => {
  const world = makeUpWorld();
  const up = new RunningUp(world.args);
  t.teardown(async () => {
    await up.stop('SIGTERM');
    world.remove();
  });
  await up.until(() => processesOf(world.state).some(one => partOf(one) === 'daemon'));
  t.is(await up.stop('SIGINT'), 0, up.stderr);
  t.is(up.stdout, '');
  t.deepEqual(processesOf(world.state), []);
});

test.serial('reeve up on a broken configuration names the problem and exits 78', async t => {
  const world = makeUpWorld();
  t.teardown(world.remove);
  writeFileSync(world.config, 'pakcs: [tiny]\n');
  const {status, stdout, stderr} = await runReeve(['up', '--once', ...world.args]);
  t.is(status, 78, stderr);
  t.is(stdout, '');
  t.regex(stderr, /agent\.yaml:1:1: unknown key "pakcs": did you mean "packs"\?/);
  t.deepEqual(processesOf(world.state), []);
});

test.serial('reeve up --json without --once is a usage error, and makes nothing', async t => {
  const world = makeUpWorld();
  t.teardown(world.remove);
  const {status, stderr} = await runReeve(['up', '--json', ...world.args]);
  t.is(status, 2);
  t.is(stderr, 'reeve: error: --json prints one document when all is done, so it goes with --once [REEVE_USAGE]\n');
  t.is(statSync(world.state, {throwIfNoEntry: false}), undefined);
});
