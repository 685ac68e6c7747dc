import {capabilitiesOf, capabilityName} from '../../capabilities.ts';
import {compareExpectation} from '../../expect.ts';
import type {Facts} from '../../facts/index.ts';
import type {ProcessFact} from '../../facts/processes.ts';
import {isConfined, parseMacLabel} from '../../mac-label.ts';
import {listOf, orList} from '../shared.ts';
import {type Compared, compareGroups, compareUsers} from './identity.ts';
import type {ProcessCheck} from './schema.ts';

export const enforceRequest = {
  fact: 'file',
  path: '/sys/fs/selinux/enforce',
  follow: false,
  contentMaxBytes: 16,
} as const;
export const environmentRequest = (check: ProcessCheck) =>
  ({fact: 'processEnvironment', names: Object.keys(check.environment ?? {}).sort()}) as const;
export const fileRequest = (path: string) => ({fact: 'file', path, follow: true}) as const;

/** Start times are told in hundredths of a second and from a clock that is read, not kept. */
const clockToleranceMs = 50;

/** Every expectation of the check held against one process; null when it has ended meanwhile. */
export function compareProcess(check: ProcessCheck, process: ProcessFact, facts: Facts): Compared[] | null {
  const compared: Compared[] = [];
  if (check.user_in !== undefined || check.user_not_in !== undefined) {
    compared.push(compareUsers(check, process, facts.get({fact: 'accounts'})));
  }
  if (check.groups_not_in !== undefined) compared.push(compareGroups(check, process, facts.get({fact: 'accounts'})));
  if (check.capabilities_at_most !== undefined || check.capabilities_at_least !== undefined) {
    compared.push(compareCapabilities(check, process));
  }
  if (check.no_new_privileges !== undefined) {
    const actual = process.noNewPrivileges;
    compared.push(
      actual === null
        ? {unseen: process.unseen.noNewPrivileges ?? 'not seen'}
        : {
            what: 'no new privileges',
            expected: onOff(check.no_new_privileges),
            actual: onOff(actual),
            ok: actual === check.no_new_privileges,
          },
    );
  }
  if (check.seccomp !== undefined) {
    const mode = process.seccomp;
    const modes = ['off', 'strict', 'filter'];
    compared.push(
      mode === null
        ? {unseen: process.unseen.seccomp ?? 'not seen'}
        : {
            what: 'seccomp',
            expected: check.seccomp ? 'filter' : 'off',
            actual: modes[mode] ?? String(mode),
            ok: mode > 0 === check.seccomp,
          },
    );
  }
  if (check.confined !== undefined) compared.push(compareConfinement(check.confined, process, facts));
  if (check.started_after !== undefined) compared.push(compareStart(listOf(check.started_after), process, facts));
  if (check.environment !== undefined) {
    const found = compareEnvironment(check, process, facts);
    if (found === null) return null;
    compared.push(...found);
  }
  return compared;
}

const onOff = (value: boolean): string => (value ? 'on' : 'off');

/** Permitted capabilities count with the effective ones: a process may make them effective at any time. */
function compareCapabilities(check: ProcessCheck, {capabilities}: ProcessFact): Compared {
  const held = new Set([...capabilitiesOf(capabilities.permitted), ...capabilitiesOf(capabilities.effective)]);
  const most = check.capabilities_at_most?.map(capabilityName);
  const least = (check.capabilities_at_least ?? []).map(capabilityName);
  const extra = most === undefined ? [] : [...held].filter(name => !most.includes(name));
  const missing = least.filter(name => !held.has(name));
  const actual = held.size > 38 ? 'all' : [...held].join(' ') || 'none';
  const expected = [
    most === undefined ? '' : `at most ${most.join(' ') || 'none'}`,
    least.length === 0 ? '' : `at least ${least.join(' ')}`,
  ].filter(part => part !== '');
  return {
    what: 'capabilities',
    expected: expected.join(' and ') || 'any',
    actual,
    ok: extra.length + missing.length === 0,
  };
}

function compareConfinement(wanted: boolean, process: ProcessFact, facts: Facts): Compared {
  const {label} = process;
  if (label === null) return {unseen: process.unseen.label ?? 'its label was not seen'};
  let enforcing = true;
  if (parseMacLabel(label)?.lsm === 'selinux') {
    const mode = readEnforce(facts);
    if (typeof mode === 'string') return {unseen: mode};
    enforcing = mode;
  }
  const {confined, why} = isConfined(label, {enforcing, permissiveDomains: new Set()});
  if (confined === null) return {unseen: why};
  return {what: 'confined', expected: wanted ? 'confined' : 'not confined', actual: why, ok: confined === wanted};
}

function readEnforce(facts: Facts): boolean | string {
  const answer = facts.get(enforceRequest);
  if (answer.state === 'unseen') return answer.reason;
  const file = answer.state === 'seen' ? answer.value[0] : undefined;
  if (file === undefined) return `cannot tell whether SELinux enforces: ${enforceRequest.path} is not there`;
  if ('unseen' in file) return file.unseen;
  if (file.content?.state !== 'seen') return file.content?.reason ?? `${file.path} is no file`;
  return Buffer.from(file.content.bytes).toString('latin1').trim() === '1';
}

function compareStart(paths: string[], process: ProcessFact, facts: Facts): Compared {
  if (process.startedAt === null) return {unseen: process.unseen.startedAt ?? 'its start was not seen'};
  let latest: {path: string; at: string} | null = null;
  for (const path of paths) {
    const answer = facts.get(fileRequest(path));
    if (answer.state === 'unseen' || answer.state === 'live-only') return {unseen: answer.reason};
    for (const file of answer.state === 'seen' ? answer.value : []) {
      if ('unseen' in file) return {unseen: file.unseen};
      if (latest === null || file.modifiedAt > latest.at) latest = {path: file.path, at: file.modifiedAt};
    }
  }
  if (latest === null) return {unseen: `cannot compare with ${orList(paths)}: it does not exist`};
  const ok = Date.parse(process.startedAt) + clockToleranceMs >= Date.parse(latest.at);
  return {what: 'started', expected: `after ${latest.path} changed at ${latest.at}`, actual: process.startedAt, ok};
}

function compareEnvironment(check: ProcessCheck, {pid}: ProcessFact, facts: Facts): Compared[] | null {
  const answer = facts.get(environmentRequest(check));
  if (answer.state !== 'seen') return [{unseen: answer.reason}];
  const entry = answer.value.find(candidate => candidate.pid === pid);
  if (entry === undefined) return null;
  if ('unseen' in entry) return [{unseen: entry.unseen}];
  return Object.entries(check.environment ?? {}).map(([name, wanted]) =>
    compareExpectation(name, wanted, entry.values.get(name) ?? null),
  );
}
