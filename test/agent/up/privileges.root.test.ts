import {spawnSync} from 'node:child_process';
import {chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, statSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {home} from '../../../agent/home.ts';
import {makeUpWorld, partOf, processesOf, type Running, RunningUp, runReeve} from '../../helpers/up.ts';

const isRoot = process.geteuid?.() === 0;
const needsRoot = isRoot ? test.serial : test.serial.skip;

/** A line of proc_pid_status(5). */
const field = ({status}: Running, name: string) => new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)?.[1] ?? '';

function as(uid: string, ...command: string[]): number | null {
  const drop = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--no-new-privs', '--bounding-set=-all'];
  return spawnSync('/usr/bin/setpriv', [...drop, ...command]).status;
}

async function parts(t: ExecutionContext, state: string, up: RunningUp): Promise<{[part: string]: Running}> {
  await up.ready();
  const running = Object.fromEntries(processesOf(state).map(one => [partOf(one), one]));
  t.true(['controller', 'daemon', 'link'].every(part => part in running));
  return running;
}

needsRoot(
  'link and controller run as two uids that nobody has, without groups, capabilities or a way back',
  async t => {
    const world = makeUpWorld();
    const up = new RunningUp(world.args);
    t.teardown(async () => {
      await up.stop('SIGTERM');
      world.remove();
    });
    const running = await parts(t, world.state, up);
    const uids = new Map<string, string>();
    for (const part of ['link', 'controller']) {
      const one = running[part] as Running;
      const [uid = '', ...others] = field(one, 'Uid').split('\t');
      t.true(
        others.every(other => other === uid),
        'real, effective, saved and file-system uid are one',
      );
      t.true(Number(uid) >= 61_184 && Number(uid) <= 65_519);
      t.is(spawnSync('getent', ['passwd', uid]).status, 2, 'no account has it');
      t.is(field(one, 'Gid').split('\t')[0], uid);
      t.is(field(one, 'Groups').trim(), '');
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
        t.is(field(one, set), '0000000000000000', `${part} ${set}`);
      t.is(field(one, 'NoNewPrivs'), '1');
      t.is(statSync(join(world.state, part)).uid, Number(uid));
      uids.set(part, uid);
    }
    t.not(uids.get('link'), uids.get('controller'));
    t.is(field(running.daemon as Running, 'Uid').split('\t')[0], '0');

    const link = uids.get('link') as string;
    const closed = [
      'agent',
      'agent/host.key',
      'run',
      'run/agent.sock',
      'controller',
      'controller/controller.db',
      'up.json',
    ];
    for (const name of closed) {
      t.true(statSync(join(world.state, name), {throwIfNoEntry: false}) !== undefined, `${name} is there`);
      t.not(as(link, '/usr/bin/test', '-r', join(world.state, name)), 0, `the link cannot read ${name}`);
      t.not(as(link, '/usr/bin/test', '-w', join(world.state, name)), 0, `nor write it`);
    }
    t.is(as(link, '/usr/bin/test', '-w', join(world.state, 'run/link.sock')), 0, 'but it may talk to the agent');
    t.not(as('65534', '/usr/bin/test', '-w', join(world.state, 'run/link.sock')), 0, 'as nobody else may');

    await up.stop();
    const again = new RunningUp(world.args);
    t.teardown(() => again.stop('SIGTERM'));
    const later = await parts(t, world.state, again);
    for (const [part, uid] of uids)
      t.is(field(later[part] as Running, 'Uid').split('\t')[0], uid, `${part} keeps its uid`);
  },
);

needsRoot('a program that their accounts cannot reach is copied to where they can', async t => {
  if (!existsBuilt()) {
    t.log('skipped: the built program is older than the sources');
    t.pass();
    return;
  }
  const world = makeUpWorld();
  const hidden = mkdtempSync(join(tmpdir(), 'reeve-hidden-'));
  t.teardown(() => {
    rmSync(hidden, {recursive: true, force: true});
    world.remove();
  });
  chmodSync(hidden, 0o700);
  for (const name of ['bin', 'build', 'policies/packs', 'policies/bases'])
    cpSync(join(home, name), join(hidden, name), {recursive: true});
  cpSync(join(home, 'package.json'), join(hidden, 'package.json'));
  mkdirSync(join(hidden, 'agent/native'), {recursive: true});
  cpSync(join(home, 'agent/native/build'), join(hidden, 'agent/native/build'), {recursive: true});
  const machine = process.arch === 'arm64' ? 'arm64' : 'x64';
  const runtime = `node_modules/node-linux-${machine}/bin`;
  mkdirSync(join(hidden, runtime), {recursive: true});
  cpSync(join(home, runtime, 'node'), join(hidden, runtime, 'node'));
  const {status, stderr, stdout} = await runReeve(['up', '--once', '--json', ...world.args], {
    program: join(hidden, 'bin/reeve'),
  });
  t.is(status, 0, stderr);
  t.regex(
    stderr,
    /^reeve: copying the program to .*\/state\/program: the accounts of link and controller may not read/m,
  );
  t.is(JSON.parse(stdout).findings.length, 1);
  t.is(statSync(join(world.state, 'program/build')).mode & 0o777, 0o755);
  const second = await runReeve(['up', '--once', '--json', ...world.args], {program: join(hidden, 'bin/reeve')});
  t.is(second.status, 0, second.stderr);
  t.notRegex(second.stderr, /copying/, 'once is enough');
});

needsRoot('a state that their accounts cannot reach is refused, with the cure', async t => {
  const world = makeUpWorld();
  t.teardown(world.remove);
  chmodSync(join(world.state, '..'), 0o700);
  const {status, stderr} = await runReeve(['up', '--once', ...world.args]);
  t.is(status, 78, stderr);
  t.regex(
    stderr,
    /cannot use the state folder "[^"]+": the accounts of link and controller cannot reach it: .* --state/,
  );
  t.deepEqual(processesOf(world.state), []);
});

needsRoot('an ordinary user runs the same three processes, all as themselves', async t => {
  const base = mkdtempSync(join(tmpdir(), 'reeve-user-'));
  t.teardown(() => rmSync(base, {recursive: true, force: true}));
  chmodSync(base, 0o777);
  const before = ['/usr/bin/setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const {status, stdout, stderr} = await runReeve(['up', '--once', '--json', '--state', join(base, 'state')], {before});
  t.is(status, 0, stderr);
  const {findings} = JSON.parse(stdout);
  t.true(findings.some((one: {finding: {verdict: string}}) => one.finding.verdict === 'unknown'));
  for (const name of ['', 'agent', 'link', 'controller', 'run']) {
    const {uid, mode} = statSync(join(base, 'state', name));
    t.deepEqual([name, uid, mode & 0o777], [name, 65_534, 0o700]);
  }
});

function existsBuilt(): boolean {
  const built = statSync(join(home, 'build/main.mjs'), {throwIfNoEntry: false});
  const newer = spawnSync('find', ['agent', 'policies', 'controller', '-newer', 'build/main.mjs', '-name', '*.ts'], {
    cwd: home,
    encoding: 'utf8',
  });
  return built !== undefined && newer.stdout === '';
}
