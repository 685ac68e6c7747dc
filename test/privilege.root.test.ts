import {spawnSync} from 'node:child_process';
import test from 'ava';
import {home} from '../agent/home.ts';
import type {Finding, Verdict} from '../policies/finding.ts';
import {heaviest} from '../policies/summary.ts';

const reeve = `${home}bin/reeve`;
const nobody = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];

function verdicts(argv: [string, ...string[]]): Map<string, Verdict> {
  const {stdout, stderr} = spawnSync(argv[0], argv.slice(1), {encoding: 'utf8', maxBuffer: 256 * 1024 * 1024});
  if (stdout === '') throw new Error(stderr);
  const {findings} = JSON.parse(stdout) as {findings: Finding[]};
  const groups = Map.groupBy(findings, ({rule}) => rule);
  return new Map([...groups].map(([rule, group]) => [rule, heaviest(group) as Verdict]));
}

/** Files, sockets and processes come and go while other tests run, so rules about all of them are left out. */
function steadyRules(): string[] {
  const rules: Array<{id: string; kinds: string[]}> = JSON.parse(
    spawnSync(reeve, ['rules', '--json'], {encoding: 'utf8', maxBuffer: 64 * 1024 * 1024}).stdout,
  );
  return rules.filter(({kinds}) => !kinds.some(kind => ['tree', 'listen', 'process'].includes(kind))).map(({id}) => id);
}

test('an ordinary user never sees a pass where root sees a failure, on this machine', t => {
  t.timeout(300_000);
  const readable = process.geteuid?.() === 0 && spawnSync('setpriv', [...nobody, reeve, '--version']).status === 0;
  if (!readable) {
    t.log('skipped: it takes root, and a checkout that nobody may read');
    t.pass();
    return;
  }
  const chosen = steadyRules().flatMap(id => ['--rule', id]);
  const root = verdicts([reeve, 'check', '--json', ...chosen]);
  const user = verdicts(['setpriv', ...nobody, reeve, 'check', '--json', ...chosen]);
  const wrong = [...root].filter(
    ([rule, verdict]) => verdict !== 'pass' && verdict !== 'not-applicable' && user.get(rule) === 'pass',
  );
  t.deepEqual(wrong, []);
  t.deepEqual(
    [...user].filter(([, verdict]) => verdict === 'error'),
    [],
  );
  t.true([...user.values()].includes('unknown'), 'nobody cannot read everything');
});
