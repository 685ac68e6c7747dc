import test from 'ava';
import {checkHost} from '../../agent/check.ts';
import type {Host} from '../../agent/host/host.ts';
import {memoryHost} from '../../agent/host/memory/host.ts';
import type {Rule} from '../../policies/pack.ts';
import {ruleOf} from '../helpers/rule.ts';

/** A host that writes down what is looked at. */
function watched(): {host: Host; looked: string[]} {
  const host = memoryHost({
    files: {'/etc/passwd': 'root:x:0:0::/root:/bin/sh\n', '/etc/a': 'a\n', '/var/lib/dpkg/status': ''},
  });
  const looked: string[] = [];
  const lstat: Host['fs']['lstat'] = path => {
    looked.push(path);
    return host.fs.lstat(path);
  };
  return {host: {...host, fs: {...host.fs, lstat}}, looked};
}

const rule = (id: string, changes: Partial<Rule> = {}): Rule => ({
  ...ruleOf('file', {path: '/etc/a', owner: 'root'}),
  id,
  ...changes,
});

test('checkHost() does not look for what only rules that do not apply would need', async t => {
  const {host, looked} = watched();
  const [finding] = await checkHost(host, [rule('demo.a', {applies: [{file: '/etc/none'}]})]);
  t.is(finding?.verdict, 'not-applicable');
  t.false(looked.includes('/etc/a'));
});

test('checkHost() looks once for what several rules need, and shares the cost', async t => {
  const {host, looked} = watched();
  let time = 0;
  const findings = await checkHost({...host, clock: () => time++}, [rule('demo.a'), rule('demo.b')]);
  t.deepEqual(
    findings.map(({verdict}) => verdict),
    ['pass', 'pass'],
  );
  t.is(looked.filter(path => path === '/etc/a').length, 1);
  t.is(findings[0]?.costMs, findings[1]?.costMs);
});

test('checkHost() keeps the order of the rules', async t => {
  const {host} = watched();
  const ids = ['demo.c', 'demo.a', 'demo.b'];
  t.deepEqual(
    (
      await checkHost(
        host,
        ids.map(id => rule(id)),
      )
    ).map(finding => finding.rule),
    ids,
  );
});
