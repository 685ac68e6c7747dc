import type {FactRequest, Facts} from './facts/index.ts';
import type {Applies} from './pack.ts';
import {compareVersions} from './version.ts';

/** `reason` says why the rule does not speak of this host, or why that cannot be known. */
export type Applicability = {state: 'yes'} | {state: 'no' | 'unknown'; reason: string};

const environment: FactRequest = {fact: 'environment'};
const os: FactRequest = {fact: 'os'};
const packages: FactRequest = {fact: 'packages'};
const fileRequest = (path: string) => ({fact: 'file', path, follow: true}) as const;

export function appliesWants(applies: Applies[]): FactRequest[] {
  return applies.flatMap(part => [
    ...(part.os === undefined ? [] : [os]),
    ...(part.not_in === undefined && part.init === undefined ? [] : [environment]),
    ...(part.package === undefined ? [] : [packages]),
    ...[part.file ?? []].flat().map(fileRequest),
  ]);
}

/** Whether every condition of the pack and of the rule holds on this host. */
export function applicability(applies: Applies[], facts: Facts): Applicability {
  for (const part of applies) {
    for (const test of [testOs, testEnvironment, testPackage, testFile]) {
      const result = test(part, facts);
      if (result.state !== 'yes') return result;
    }
  }
  return yes;
}

const yes: Applicability = {state: 'yes'};
const no = (reason: string): Applicability => ({state: 'no', reason});

function testOs(applies: Applies, facts: Facts): Applicability {
  if (applies.os === undefined) return yes;
  const answer = facts.get({fact: 'os'});
  if (answer.state !== 'seen') return {state: 'unknown', reason: answer.reason};
  const {id, like, version, prettyName} = answer.value;
  const wanted = Object.entries(applies.os);
  const match = wanted.find(([name]) => name === id) ?? wanted.find(([name]) => like.includes(name));
  if (match === undefined)
    return no(`this host is ${prettyName}, the rule is for ${wanted.map(([name]) => name).join(', ')}`);
  if (match[1] === 'any') return yes;
  if (version === '')
    return no(`this host is ${prettyName}, which states no version; the rule is for ${match[0]} ${match[1]}`);
  const inside = [...match[1].matchAll(/([<>]=?)\s*([0-9.]+)/g)].every(([, operator, bound]) => {
    const order = compareVersions(version, bound as string);
    return operator === '>=' ? order >= 0 : operator === '>' ? order > 0 : operator === '<=' ? order <= 0 : order < 0;
  });
  return inside ? yes : no(`this host is ${prettyName}, the rule is for ${match[0]} ${match[1]}`);
}

function testEnvironment(applies: Applies, facts: Facts): Applicability {
  if (applies.not_in === undefined && applies.init === undefined) return yes;
  const answer = facts.get({fact: 'environment'});
  if (answer.state !== 'seen') return {state: 'unknown', reason: answer.reason};
  const {container, init} = answer.value;
  if (applies.not_in?.includes('image') && init === null)
    return no('an image is judged, the rule is for running machines');
  if (applies.not_in?.includes('container') && container !== null)
    return no(`this is a container (${container}), the rule is for whole machines`);
  if (applies.init === 'systemd' && init === 'other') return no('PID 1 is not systemd');
  return yes;
}

function testPackage(applies: Applies, facts: Facts): Applicability {
  if (applies.package === undefined) return yes;
  const names = [applies.package].flat();
  const answer = facts.get({fact: 'packages'});
  if (answer.state === 'unseen' || answer.state === 'live-only') return {state: 'unknown', reason: answer.reason};
  const installed =
    answer.state === 'seen' && answer.value.packages.some(({name, installed}) => installed && names.includes(name));
  return installed ? yes : no(`package ${names.join(' or ')} is not installed`);
}

function testFile(applies: Applies, facts: Facts): Applicability {
  if (applies.file === undefined) return yes;
  const paths = [applies.file].flat();
  const reasons: string[] = [];
  for (const path of paths) {
    const answer = facts.get(fileRequest(path));
    if (answer.state === 'seen' && answer.value.some(file => !('unseen' in file))) return yes;
    if (answer.state === 'seen') for (const file of answer.value) if ('unseen' in file) reasons.push(file.unseen);
    if (answer.state === 'unseen') reasons.push(answer.reason);
  }
  return reasons.length > 0
    ? {state: 'unknown', reason: reasons.join('; ')}
    : no(`${paths.join(' or ')} does not exist`);
}
