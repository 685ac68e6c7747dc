import {execFileSync} from 'node:child_process';
import test from 'ava';
import {checkHost} from '../../../agent/check.ts';
import {localHost} from '../../../agent/host/local/host.ts';
import type {Fixture} from '../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../agent/host/memory/host.ts';
import {ruleOf} from '../../helpers/rule.ts';

const judge = (check: object, fixture: Fixture) => checkHost(memoryHost(fixture), [ruleOf('sysctl', check)]);
const forwarding = {key: 'net.ipv4.ip_forward', is: 0, default: '0'};
const running = '/proc/sys/net/ipv4/ip_forward';

const rows: Array<[string, object, Fixture, string, object]> = [
  [
    'running and configured as wanted',
    forwarding,
    {files: {[running]: '0\n', '/etc/sysctl.d/a.conf': 'net.ipv4.ip_forward=0\n'}},
    'pass',
    {scope: 'effective', where: [running, '/etc/sysctl.d/a.conf:1']},
  ],
  [
    'running as wanted, configured otherwise',
    forwarding,
    {files: {[running]: '0\n', '/etc/sysctl.d/a.conf': '\nnet.ipv4.ip_forward = 1\n'}},
    'fail',
    {wrong: ['at next boot'], where: [running, '/etc/sysctl.d/a.conf:2']},
  ],
  [
    'running otherwise, configured as wanted',
    forwarding,
    {files: {[running]: '1\n', '/etc/sysctl.d/a.conf': 'net/ipv4/ip_forward=0\n'}},
    'fail',
    {wrong: ['running'], cure: 'sysctl -w net.ipv4.ip_forward=0'},
  ],
  ["set nowhere, with the kernel's own value known", forwarding, {files: {[running]: '0\n'}}, 'pass', {}],
  [
    'set nowhere, without a known value',
    {key: 'net.ipv4.ip_forward', is: 0},
    {files: {[running]: '0\n'}},
    'fail',
    {wrong: ['at next boot'], actual: {'at next boot': 'not set'}},
  ],
  [
    'a later file over an earlier one',
    forwarding,
    {
      files: {
        [running]: '0\n',
        '/etc/sysctl.d/10-a.conf': 'net.ipv4.ip_forward=0\n',
        '/usr/lib/sysctl.d/50-b.conf': 'net.ipv4.ip_forward=1\n',
      },
    },
    'fail',
    {},
  ],
  [
    'a file of /etc that hides its namesake of /usr/lib',
    forwarding,
    {
      files: {
        [running]: '0\n',
        '/etc/sysctl.d/50-b.conf': '',
        '/usr/lib/sysctl.d/50-b.conf': 'net.ipv4.ip_forward=1\n',
      },
    },
    'pass',
    {},
  ],
  [
    'a pattern that an exact key overrides',
    {...forwarding, key: 'net.ipv4.conf.all.rp_filter', is: 1},
    {
      files: {
        '/proc/sys/net/ipv4/conf/all/rp_filter': '1\n',
        '/etc/sysctl.d/a.conf': 'net.ipv4.conf.all.rp_filter=1\nnet.ipv4.conf.*.rp_filter=2\n',
      },
    },
    'pass',
    {},
  ],
  [
    'a pattern that a line without a value keeps from the key',
    {...forwarding, key: 'net.ipv4.conf.all.rp_filter', is: 2},
    {
      files: {
        '/proc/sys/net/ipv4/conf/all/rp_filter': '0\n',
        '/usr/lib/sysctl.d/50-default.conf':
          'net.ipv4.conf.*.rp_filter = 2\n-net.ipv4.conf.all.rp_filter\n-net.core.default_qdisc = fq\n',
      },
    },
    'fail',
    {actual: {running: '0', 'at next boot': '0'}},
  ],
  [
    'a configuration that may not be read',
    forwarding,
    {files: {[running]: '0\n', '/etc/sysctl.d/a.conf': {read_error: 'EACCES'}}},
    'unknown',
    {},
  ],
  [
    'an image, where nothing runs',
    forwarding,
    {as: 'image', files: {'/etc/sysctl.d/a.conf': 'net.ipv4.ip_forward=0\n'}},
    'pass',
    {scope: 'persistent'},
  ],
  ['an image, for the running value alone', {...forwarding, of: ['runtime']}, {as: 'image'}, 'not-applicable', {}],
  [
    'a kernel without the parameter',
    forwarding,
    {files: {'/proc/sys/kernel/ostype': 'Linux\n'}},
    'not-applicable',
    {reason: 'this kernel has no parameter net.ipv4.ip_forward'},
  ],
];

for (const [title, check, fixture, verdict, like] of rows) {
  test(`sysctl on ${title} says ${verdict}`, async t => {
    const findings = await judge(check, fixture);
    t.is(findings.length, 1);
    t.like(findings[0], {verdict, ...like} as never);
  });
}

test('sysctl judges each parameter that a pattern stands for', async t => {
  const files = {'/proc/sys/net/ipv4/conf/eth0/rp_filter': '1\n', '/proc/sys/net/ipv4/conf/br.1/rp_filter': '0\n'};
  const findings = await judge({key: 'net.ipv4.conf.*.rp_filter', is: 1, of: ['runtime']}, {files});
  t.deepEqual(
    findings.map(({subject, verdict}) => [subject, verdict]),
    [
      ['net.ipv4.conf.br/1.rp_filter', 'fail'],
      ['net.ipv4.conf.eth0.rp_filter', 'pass'],
    ],
  );
});

test('sysctl reads this machine as sysctl(8) does', async t => {
  const keys = ['kernel.ostype', 'vm.swappiness', 'net.ipv4.ip_local_port_range'];
  for (const key of keys) {
    const wanted = execFileSync('/sbin/sysctl', ['-n', key], {encoding: 'utf8'}).trim().replace(/\s+/g, ' ');
    const [finding] = await checkHost(localHost('/'), [ruleOf('sysctl', {key, is: wanted, of: ['runtime']})]);
    t.is(finding?.verdict, 'pass', key);
  }
});
