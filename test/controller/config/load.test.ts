import {chmod, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {formatProblem, loadConfig, parseConfig} from '../../../controller/config/load.ts';
import {withDefaults} from '../../../controller/config/schema.ts';
import {temporaryFolder} from '../../helpers/controller.ts';

const problemsOf = (text: string) => parseConfig('c.yaml', text).problems.map(formatProblem);

test('parseConfig() takes an empty file for the defaults, which listen on loopback alone', t => {
  const {config} = parseConfig('c.yaml', '');
  t.deepEqual(config, withDefaults({}));
  t.deepEqual(config?.agents.listen, {host: '127.0.0.1', port: 7443});
  t.deepEqual(config?.api, {listen: {host: '127.0.0.1', port: 7444}, url: null, tls: null});
});

test('parseConfig() reads every key', t => {
  const {config, problems} = parseConfig(
    'c.yaml',
    `
agents: {listen: "[::]:7443", url: wss://reeve.example:7443/agent, names: [reeve.example, 192.0.2.1], allow_tls_at_proxy: true}
api: {listen: 0.0.0.0:443, url: https://reeve.example, tls: {certificate: /etc/c.pem, key: /etc/k.pem}}
retention_days: 30
limits: {admission_per_second: 1, enrols_per_second: 2, max_connections: 3, max_strangers: 4, max_strangers_per_address: 5}
`,
  );
  t.deepEqual(problems, []);
  t.deepEqual(config, {
    agents: {
      listen: {host: '::', port: 7443},
      url: 'wss://reeve.example:7443/agent',
      names: ['reeve.example', '192.0.2.1'],
      allowTlsAtProxy: true,
    },
    api: {
      listen: {host: '0.0.0.0', port: 443},
      url: 'https://reeve.example',
      tls: {certificate: '/etc/c.pem', key: '/etc/k.pem'},
    },
    retentionDays: 30,
    limits: {admissionPerSecond: 1, enrolsPerSecond: 2, maxConnections: 3, maxStrangers: 4, maxStrangersPerAddress: 5},
  });
});

test('parseConfig() names every problem with its place, in the order of the file', t => {
  t.deepEqual(problemsOf('agents:\n  listen: 7443\n  port: 1\nretention_days: 0\nlimit: {}\n'), [
    'c.yaml:2:11: 7443 found, an address and a port, as "127.0.0.1:7443" wanted',
    'c.yaml:3:3: "port" is not known here; known are listen, url, names, allow_tls_at_proxy',
    'c.yaml:4:17: 0 found, a whole number from 1 to 3650 wanted',
    'c.yaml:5:1: "limit" is not known here; known are agents, api, retention_days, limits',
  ]);
  t.deepEqual(problemsOf('api: {listen: "127.0.0.1:70000"}'), ['c.yaml:1:15: port 70000 found, at most 65535 wanted']);
  t.regex(problemsOf('agents: {\n')[0] ?? '', /^c\.yaml:2:1: /);
  t.regex(problemsOf('api: {}\napi: {}\n')[0] ?? '', /^c\.yaml:2:1: Map keys must be unique/);
  t.regex(problemsOf('agents: &a {}\napi: *a\n')[0] ?? '', /^c\.yaml:2:6: an alias/);
  t.regex(problemsOf('- 1\n')[0] ?? '', /^c\.yaml:1:1: /);
});

test('parseConfig() refuses an API without TLS beyond loopback', t => {
  t.regex(problemsOf('api: {listen: "0.0.0.0:7444"}')[0] ?? '', /^c\.yaml:1:15: .*without TLS/);
  t.deepEqual(problemsOf('api: {listen: "0.0.0.0:7444", tls: generated}'), []);
  t.deepEqual(problemsOf('api: {listen: "[::1]:7444"}'), []);
});

test('loadConfig() refuses a file that others may write, and one that was named and is not there', async t => {
  const path = join(await temporaryFolder(t), 'c.yaml');
  await t.throwsAsync(loadConfig(path), {message: `cannot load "${path}": it does not exist`});
  await writeFile(path, 'retention_days: 1\n');
  await chmod(path, 0o666);
  await t.throwsAsync(loadConfig(path), {message: /group or others may write it/});
  await chmod(path, 0o644);
  t.is((await loadConfig(path)).retentionDays, 1);
});
