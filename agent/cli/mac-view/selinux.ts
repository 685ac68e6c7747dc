import type {PermissiveDomain, SelinuxBoolean, SelinuxFact} from '../../../policies/facts/selinux.ts';
import {answerRow, names} from './rows.ts';

const yesNo = (value: boolean) => (value ? 'yes' : 'no');

export function selinuxLines(fact: SelinuxFact): string[] {
  const lines = answerRow('kernel', fact.kernel, active => (active ? 'active' : 'not active'));
  if (fact.kernel.state === 'seen' && fact.kernel.value) lines.push(...runningLines(fact));
  lines.push(
    ...answerRow('configured', fact.configured, mode => mode ?? 'no valid SELINUX= line, so permissive'),
    ...answerRow('next boot', fact.nextBoot, ({mode, why}) => `${mode}: ${why}`),
  );
  if (fact.configured.state === 'absent' && !(fact.kernel.state === 'seen' && fact.kernel.value)) return lines;
  return [
    ...lines,
    ...answerRow('policy type', fact.policyType, type => type),
    ...answerRow(
      'policy file',
      fact.policyFile,
      ({sha256, version}) => `format ${version}, sha256 ${sha256.slice(0, 16)}…`,
    ),
    ...permissiveLines(fact),
    ...answerRow('booleans', fact.booleans, booleanText),
  ];
}

function runningLines(fact: SelinuxFact): string[] {
  return [
    ...answerRow('policy loaded', fact.policyLoaded, yesNo),
    ...answerRow('running', fact.mode, mode => mode),
    ...answerRow(
      'running policy',
      fact.runningPolicy,
      ({sha256, version}) => `format ${version}, sha256 ${sha256.slice(0, 16)}…`,
    ),
    ...answerRow('levels (MLS)', fact.mls, yesNo),
    ...answerRow('deny unknown', fact.denyUnknown, yesNo),
    ...answerRow('checkreqprot', fact.checkReqProt, value => (value ? 'yes, which weakens checks of mmap' : 'no')),
  ];
}

function permissiveLines(fact: SelinuxFact): string[] {
  const show = (domains: PermissiveDomain[]) => names(domains.map(({name}) => name));
  const running =
    fact.kernel.state === 'seen' && fact.kernel.value ? answerRow('permissive now', fact.permissiveRunning, show) : [];
  const stored = [
    ...answerRow('  next load', fact.permissiveInFile, show),
    ...answerRow('  modules', fact.permissiveModules, show),
  ];
  return running.length > 0 ? [...running, ...stored] : ['permissive', ...stored];
}

function booleanText(booleans: SelinuxBoolean[]): string {
  const on = booleans.filter(({current, persistent}) => current ?? persistent);
  const differing = booleans.filter(
    ({current, pending, persistent}) =>
      (current !== null && persistent !== null && current !== persistent) || current !== pending,
  );
  const text = `${booleans.length}, ${on.length} on`;
  return differing.length === 0
    ? text
    : `${text}; running and persistent differ: ${names(differing.map(({name, current, persistent}) => `${name} (${word(current)}, ${word(persistent)})`))}`;
}

const word = (value: boolean | null) => (value === null ? 'unknown' : value ? 'on' : 'off');
