import test from 'ava';
import {runCommand} from '../../../agent/host/command.ts';

const own = {uid: process.geteuid?.() ?? -1, gid: process.getegid?.() ?? -1};
/** Root takes on nobody's ids; anybody else can only keep their own. */
const as = own.uid === 0 ? {uid: 65_534, gid: 65_534} : own;

test('runCommand() takes away groups, capabilities and the way back', async t => {
  const {stdout, reason} = await runCommand(['/bin/cat', '/proc/self/status'], {as});
  t.is(reason, '');
  const line = (name: string) => new RegExp(`^${name}:(.*)$`, 'm').exec(stdout)?.[1]?.trim();
  t.is(line('Uid'), Array(4).fill(as.uid).join('\t'));
  t.is(line('Gid'), Array(4).fill(as.gid).join('\t'));
  t.is(line('NoNewPrivs'), '1');
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) t.is(line(set), '0000000000000000', set);
  if (own.uid !== 0) return;
  t.is(line('Groups'), '');
  t.is(line('CapBnd'), '0000000000000000');
});

test('runCommand() keeps the exit status and the time limit of a command with other ids', async t => {
  t.like(await runCommand(['/bin/sh', '-c', 'exit 7'], {as}), {
    exitCode: 7,
    reason: 'cannot run /bin/sh: exit status 7',
  });
  t.like(await runCommand(['/bin/sleep', '60'], {as, timeoutMs: 200}), {timedOut: true, failed: true});
});

test('runCommand() never runs anything as root by asking for it', async t => {
  for (const ids of [
    {uid: 0, gid: 65_534},
    {uid: 65_534, gid: 0},
    {uid: -1, gid: 1},
    {uid: 1.5, gid: 1},
    {uid: 2 ** 32 - 1, gid: 1},
  ]) {
    t.like(await runCommand(['/usr/bin/id'], {as: ids}), {failed: true, exitCode: null, stdout: ''});
  }
});

test('runCommand() says when only root could', async t => {
  const result = await runCommand(['/usr/bin/id', '-u'], {as: {uid: 65_533, gid: 65_533}});
  if (own.uid === 0) t.is(result.stdout, '65533\n');
  else t.is(result.reason, 'cannot run /usr/bin/id: only root may run it as uid 65533');
});
