import test from 'ava';
import {runCommand} from '../../../agent/host/command.ts';

test('runCommand() gives output and exit status', async t => {
  t.like(await runCommand(['/bin/sh', '-c', 'echo out; echo err >&2; exit 3']), {
    failed: true,
    exitCode: 3,
    stdout: 'out\n',
    stderr: 'err\n',
    reason: 'cannot run /bin/sh: exit status 3',
  });
  t.like(await runCommand(['/bin/true']), {failed: false, exitCode: 0, reason: ''});
});

test('runCommand() hands on no environment but its own', async t => {
  const {stdout} = await runCommand(['/usr/bin/env']);
  t.deepEqual(stdout.trim().split('\n').sort(), ['LC_ALL=C', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin']);
});

test('runCommand() ends a program, and what it started, that does not answer in time', async t => {
  const started = performance.now();
  const result = await runCommand(['/bin/sh', '-c', 'sleep 60 & sleep 60'], {timeoutMs: 200});
  t.like(result, {failed: true, timedOut: true, exitCode: null, reason: 'cannot run /bin/sh: no answer within 0.2 s'});
  t.true(performance.now() - started < 5000);
});

test('runCommand() ends a program that prints without end', async t => {
  const result = await runCommand(['/usr/bin/yes'], {maxBytes: 10_000});
  t.like(result, {failed: true, truncated: true, reason: 'cannot run /usr/bin/yes: more than 10000 bytes of output'});
  t.is(result.stdout.length, 10_000);
});

test('runCommand() says that a program is not there', async t => {
  t.like(await runCommand(['/usr/bin/no-such-program']), {
    failed: true,
    exitCode: null,
    reason: 'cannot run /usr/bin/no-such-program: it is not installed',
  });
  t.like(await runCommand(['ls']), {failed: true, reason: 'cannot run "ls": an absolute path is wanted'});
});

test('runCommand() does not wait for what a program left behind with its output', async t => {
  const started = performance.now();
  const result = await runCommand(['/bin/sh', '-c', 'setsid sleep 10 & echo done'], {timeoutMs: 300});
  t.like(result, {failed: true, timedOut: true, stdout: 'done\n'});
  t.true(performance.now() - started < 5000);
});
