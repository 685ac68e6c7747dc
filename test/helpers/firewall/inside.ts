import {execFileSync, spawn} from 'node:child_process';
import {once} from 'node:events';
import {createServer} from 'node:net';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';
import {collectFirewall} from '../../../agent/host/facts/firewall/collect.ts';
import {HostTables} from '../../../agent/host/facts/tables.ts';
import {localHost} from '../../../agent/host/local/host.ts';
import {passFirewall} from '../../../policies/firewall.ts';

/**
 * Runs in a network namespace of its own, with a second one as the other machine. For each ruleset on standard input
 * (`{tool, text}`, a line each) it prints what reeve says of each port and whether a connection from there is taken.
 */
const ports = [22, 25, 3939, 8080];
const addresses = [
  ['ip', '10.9.9.1'],
  ['ip6', 'fd09::1'],
] as const;
const run = (file: string, args: string[], input = '') =>
  execFileSync(file, args, {input, stdio: ['pipe', 'ignore', 'ignore']});

const peer = spawn('/usr/bin/unshare', ['-n', process.execPath, fileURLToPath(new URL('peer.ts', import.meta.url))], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const answers = createInterface({input: peer.stdout})[Symbol.asyncIterator]();
const ask = async (targets: Array<[string, number]>): Promise<boolean[]> => {
  peer.stdin.write(`${JSON.stringify(targets)}\n`);
  return JSON.parse((await answers.next()).value as string) as boolean[];
};
await ask([]);

run('/usr/sbin/ip', ['link', 'set', 'lo', 'up']);
run('/usr/sbin/ip', ['link', 'add', 'outer', 'type', 'veth', 'peer', 'name', 'inner']);
run('/usr/sbin/ip', ['link', 'set', 'inner', 'netns', String(peer.pid)]);
const there = (...args: string[]) => run('/usr/bin/nsenter', ['-t', String(peer.pid), '-n', '/usr/sbin/ip', ...args]);
const here = (...args: string[]) => run('/usr/sbin/ip', args);
for (const [ip, device, last] of [
  [here, 'outer', '1'],
  [there, 'inner', '2'],
] as const) {
  ip('addr', 'add', `10.9.9.${last}/24`, 'dev', device);
  ip('addr', 'add', `fd09::${last}/64`, 'dev', device, 'nodad');
  ip('link', 'set', device, 'up');
}
for (const port of ports) await once(createServer(socket => socket.destroy()).listen(port, '::'), 'listening');

const host = localHost('/');
for await (const line of createInterface({input: process.stdin})) {
  const {tool, text} = JSON.parse(line) as {tool: 'nft' | 'iptables' | 'ip6tables'; text: string};
  run('/usr/sbin/nft', ['flush', 'ruleset']);
  try {
    if (tool === 'nft') run('/usr/sbin/nft', ['-f', '-'], text);
    else run(`/usr/sbin/${tool}-restore`, [], text);
  } catch {
    // Made at random, a rule may ask for two families at once.
    console.log('[]');
    continue;
  }
  const [answer] = await collectFirewall([{}], {host, tables: new HostTables(host)});
  const targets = addresses.flatMap(([family, address]) => ports.map(port => ({family, address, port})));
  const reached = await ask(targets.map(({address, port}) => [address, port]));
  const rows = targets.map(({family, port}, index) => ({
    family,
    port,
    said: answer?.state === 'seen' ? passFirewall(answer.value, {family, protocol: 'tcp', port}) : answer,
    reached: reached[index],
  }));
  console.log(JSON.stringify(rows));
}
peer.kill();
process.exit(0);
