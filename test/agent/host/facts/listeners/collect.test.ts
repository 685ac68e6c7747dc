import {execFileSync} from 'node:child_process';
import {createSocket} from 'node:dgram';
import {once} from 'node:events';
import {realpathSync} from 'node:fs';
import {type AddressInfo, createServer} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {collectListeners} from '../../../../../agent/host/facts/listeners/collect.ts';
import {HostTables} from '../../../../../agent/host/facts/tables.ts';
import type {Host} from '../../../../../agent/host/host.ts';
import {localHost} from '../../../../../agent/host/local/host.ts';
import type {Fixture} from '../../../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../../../agent/host/memory/host.ts';
import type {ListenersFact} from '../../../../../policies/facts/listen.ts';
import {procFiles} from '../../../../helpers/proc.ts';

async function look(host: Host, everyHolder = false) {
  const [answer] = await collectListeners([{everyHolder}], {host, tables: new HostTables(host)});
  if (answer === undefined) throw new Error('no answer');
  return answer;
}

async function seenOf(host: Host, everyHolder = false): Promise<ListenersFact> {
  const answer = await look(host, everyHolder);
  if (answer.state !== 'seen') throw new Error(JSON.stringify(answer));
  return answer.value;
}

const header = '  sl  local_address rem_address   st\n';
const row = (local: string, inode: number) =>
  `   0: ${local} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1\n`;
const tables: NonNullable<Fixture['files']> = {
  '/proc/net/tcp': header + row('0100007F:0016', 7) + row('00000000:0050', 8),
};
const holder = (pid: number, ...inodes: number[]) => ({
  ...procFiles({pid, exe: '/usr/sbin/d', cgroup: '/system.slice/d.service', name: 'd'}),
  ...Object.fromEntries(inodes.map((inode, index) => [`/proc/${pid}/fd/${index + 3}`, {link: `socket:[${inode}]`}])),
});

test('collectListeners() names the processes that hold each socket', async t => {
  const {listeners, namespace} = await seenOf(
    memoryHost({files: {...tables, ...holder(70, 7), ...holder(71, 7, 8)}}),
    true,
  );
  t.is(namespace, 'own');
  t.deepEqual(
    listeners.map(({port, holders, holdersUnseen}) => [port, holders.map(({pid}) => pid), holdersUnseen]),
    [
      [22, [70, 71], null],
      [80, [71], null],
    ],
  );
  t.deepEqual(listeners[1]?.holders, [{pid: 71, name: 'd', exe: '/usr/sbin/d', unit: 'd.service'}]);
});

test('collectListeners() looks no further than it must unless every holder is asked for', async t => {
  const files = {...tables, ...holder(70, 7, 8), ...holder(71, 7), '/proc/71/fd/': {read_error: 'EIO'}};
  t.deepEqual(
    (await seenOf(memoryHost({files}))).listeners.map(({holdersUnseen}) => holdersUnseen),
    [null, null],
  );
  for (const {holdersUnseen} of (await seenOf(memoryHost({files}), true)).listeners)
    t.regex(holdersUnseen ?? '', /EIO/);
});

test('collectListeners() says that it may not look at the descriptors of others', async t => {
  const files = {...tables, ...holder(70, 7), '/proc/70/fd/': {mode: '0500'}};
  for (const {holders, holdersUnseen} of (await seenOf(memoryHost({looker: 1000, files}))).listeners) {
    t.deepEqual(holders, []);
    t.regex(holdersUnseen ?? '', /permission denied/);
  }
});

test('collectListeners() prefers the namespace of PID 1, and says so', async t => {
  const files = {...tables, '/proc/1/net/tcp': header + row('00000000:0019', 9)};
  const {listeners, namespace} = await seenOf(memoryHost({files}));
  t.is(namespace, 'host');
  t.deepEqual(
    listeners.map(({port}) => port),
    [25],
  );
});

test('collectListeners() is unseen when a table cannot be read or is too long, absent without any', async t => {
  t.is((await look(memoryHost({files: {...tables, '/proc/net/udp6': {read_error: 'EACCES'}}}))).state, 'unseen');
  t.is(
    (await look(memoryHost({files: {'/proc/net/udp': header + row('00000000:0035', 1).repeat(220_000)}}))).state,
    'unseen',
  );
  t.is((await look(memoryHost({files: {'/proc/net/': {}}}))).state, 'absent');
  t.is((await look(memoryHost({as: 'image', files: tables}))).state, 'live-only');
});

async function listen(t: ExecutionContext, host: string): Promise<number> {
  const server = createServer().listen({port: 0, host, ipv6Only: false});
  t.teardown(() => server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

test('collectListeners() finds sockets of this test on the live machine, with its pid', async t => {
  const ports = [
    await listen(t, '127.0.0.1'),
    await listen(t, '0.0.0.0'),
    await listen(t, '::'),
    await listen(t, '::1'),
  ];
  const udp = createSocket('udp4').bind(0, '127.0.0.1');
  t.teardown(() => udp.close());
  await once(udp, 'listening');
  const {listeners} = await seenOf(localHost('/'), true);
  const found = [...ports, udp.address().port].map(port => listeners.find(listener => listener.port === port));
  t.deepEqual(
    found.map(listener => `${listener?.protocol} ${listener?.address}`),
    ['tcp 127.0.0.1', 'tcp 0.0.0.0', 'tcp ::', 'tcp ::1', 'udp 127.0.0.1'],
  );
  for (const listener of found)
    t.like(
      listener?.holders.find(({pid}) => pid === process.pid),
      {exe: realpathSync(process.execPath)},
    );
});

test('collectListeners() agrees with ss(8) on the live machine', async t => {
  await listen(t, '127.0.0.1');
  const own = (output: string) => new Set(output.split('\n').flatMap(line => parseSs(line) ?? []));
  const before = own(execFileSync('/usr/bin/ss', ['-H', '-ltnu'], {encoding: 'utf8'}));
  const {listeners} = await seenOf(localHost('/'));
  const after = own(execFileSync('/usr/bin/ss', ['-H', '-ltnu'], {encoding: 'utf8'}));
  const ours = new Set(listeners.map(({protocol, address, port}) => `${protocol} ${address} ${port}`));
  const stable = before.intersection(after);
  t.true(stable.size > 0);
  t.deepEqual([...stable.difference(ours)], [], 'seen by ss only');
  // Other tests open and close sockets meanwhile; one that is there before and after must be in both.
  const again = await seenOf(localHost('/'));
  const late = own(execFileSync('/usr/bin/ss', ['-H', '-ltnu'], {encoding: 'utf8'}));
  const kept = ours.intersection(
    new Set(again.listeners.map(({protocol, address, port}) => `${protocol} ${address} ${port}`)),
  );
  t.deepEqual([...kept.difference(after.union(late))], [], 'seen by us only');
});

/** `udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:*`; a socket for both families stands as `*`. */
function parseSs(line: string): string | null {
  const [protocol, , , , local = ''] = line.trim().split(/\s+/);
  const match = /^(.*):(\d+)$/.exec(local);
  if (match === null || protocol === undefined) return null;
  const address = (match[1] as string)
    .replace(/%.*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/^\*$/, '::');
  return `${protocol} ${address} ${match[2]}`;
}
