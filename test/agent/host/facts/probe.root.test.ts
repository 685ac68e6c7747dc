import test from 'ava';
import {collectProbe} from '../../../../agent/host/facts/probe.ts';
import {HostTables} from '../../../../agent/host/facts/tables.ts';
import {localHost} from '../../../../agent/host/local/host.ts';

test('collectProbe() runs a program of this machine as nobody', async t => {
  if (process.geteuid?.() !== 0) {
    t.log('skipped: only root can run a program as nobody');
    return t.pass();
  }
  const host = localHost('/');
  const requests = [
    {command: ['/usr/bin/id', '-u'], user: null, timeoutSeconds: 10},
    {command: ['/usr/bin/false'], user: null, timeoutSeconds: 10},
    {command: ['/usr/bin/sleep', '60'], user: null, timeoutSeconds: 1},
    {command: ['/usr/bin/yes'], user: null, timeoutSeconds: 10},
    {command: ['/usr/bin/env', 'id'], user: null, timeoutSeconds: 10},
    {command: ['/usr/bin/no-such-program'], user: null, timeoutSeconds: 10},
  ];
  const [id, no, slow, loud, env, none] = await collectProbe(requests, {host, tables: new HostTables(host)});
  t.like(id, {state: 'seen', value: {exitCode: 0, stdout: '65534\n'}});
  t.like(no, {state: 'seen', value: {exitCode: 1}});
  t.like(slow, {state: 'unseen', reason: 'cannot run /usr/bin/sleep: no answer within 1 s'});
  t.like(loud, {state: 'unseen', reason: 'cannot run /usr/bin/yes: more than 262144 bytes of output'});
  t.is(env?.state, 'unseen');
  t.is(none?.state, 'absent');
});
