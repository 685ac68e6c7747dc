import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {checkHost} from '../../../../../agent/check.ts';
import {collectProcesses} from '../../../../../agent/host/facts/processes/collect.ts';
import {HostTables} from '../../../../../agent/host/facts/tables.ts';
import {localHost} from '../../../../../agent/host/local/host.ts';
import {capabilitiesOf} from '../../../../../policies/capabilities.ts';
import type {ProcessFact} from '../../../../../policies/facts/processes.ts';
import {ruleOf} from '../../../../helpers/rule.ts';

const bwrap = '/usr/bin/bwrap';

/** Starts a shell that waits, below the words of a sandbox, and finds it among all processes by its descent. */
async function waiting(t: ExecutionContext, words: string[], extraFd?: number): Promise<ProcessFact | undefined> {
  const [file = '', ...args] = [...words, '/bin/sh', '-c', 'echo ready; read x'];
  const child = spawn(file, args, {stdio: ['pipe', 'pipe', 'pipe', ...(extraFd === undefined ? [] : [extraFd])]});
  t.teardown(() => child.kill('SIGKILL'));
  await Promise.race([once(child.stdout as NodeJS.ReadableStream, 'data'), once(child, 'exit')]);
  const host = localHost('/');
  const [answer] = await collectProcesses([{}], {host, tables: new HostTables(host)});
  if (answer?.state !== 'seen') throw new Error(JSON.stringify(answer));
  const family = new Set([child.pid]);
  for (const process of answer.value) if (family.has(process.parent)) family.add(process.pid);
  return answer.value.findLast(process => family.has(process.pid) && process.exe?.endsWith('sh'));
}

function isRoot(t: ExecutionContext): boolean {
  if (process.geteuid?.() === 0) return true;
  t.log('skipped: only root can hand out capabilities and other uids');
  t.pass();
  return false;
}

test('collectProcesses() sees ids, groups and capabilities that setpriv(1) sets', async t => {
  if (!isRoot(t)) return;
  const found = await waiting(t, [
    '/usr/bin/setpriv',
    '--reuid=65534',
    '--regid=65534',
    '--groups=65530,65531',
    '--inh-caps=-all,+net_raw',
    '--ambient-caps=-all,+net_raw',
    '--bounding-set=-all,+net_raw,+chown',
  ]);
  t.like(found, {
    uids: {real: 65_534, effective: 65_534, saved: 65_534},
    gids: {real: 65_534, effective: 65_534, saved: 65_534},
    groups: [65_530, 65_531],
  });
  const {effective = '', permitted = '', ambient = '', bounding = '', inheritable = ''} = found?.capabilities ?? {};
  t.deepEqual([effective, permitted, ambient, inheritable].map(capabilitiesOf), Array(4).fill(['CAP_NET_RAW']));
  t.deepEqual(capabilitiesOf(bounding), ['CAP_CHOWN', 'CAP_NET_RAW']);
});

test('collectProcesses() sees a seccomp filter and no_new_privs of a bubblewrap sandbox, and process judges it', async t => {
  if (!isRoot(t)) return;
  if (!existsSync(bwrap)) {
    t.log('skipped: bubblewrap is not installed');
    return t.pass();
  }
  const folder = mkdtempSync(join(tmpdir(), 'reeve-seccomp-'));
  t.teardown(() => rmSync(folder, {recursive: true}));
  // One instruction of struct sock_filter: BPF_RET | BPF_K with SECCOMP_RET_ALLOW, seccomp(2).
  writeFileSync(join(folder, 'allow'), Buffer.from([0x06, 0, 0, 0, 0, 0, 0xff, 0x7f]));
  const fd = openSync(join(folder, 'allow'), 'r');
  t.teardown(() => closeSync(fd));
  const found = await waiting(t, [bwrap, '--bind', '/', '/', '--cap-drop', 'ALL', '--seccomp', '3', '--'], fd);
  t.like(found, {seccomp: 2, noNewPrivileges: true});
  const check = {name: found?.name, exe: found?.exe, seccomp: true, no_new_privileges: true, capabilities_at_most: []};
  const findings = await checkHost(localHost('/'), [ruleOf('process', check)]);
  t.false(
    findings.some(
      finding => 'where' in finding && finding.verdict === 'fail' && finding.where.includes(`pid ${found?.pid}`),
    ),
  );
});
