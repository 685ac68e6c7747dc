import type {Answer} from '../facts/answer.ts';
import type {ApparmorFact} from '../facts/apparmor.ts';
import type {FactRequest, Facts} from '../facts/index.ts';
import type {SelinuxFact} from '../facts/selinux.ts';
import type {Judgement} from '../finding.ts';
import {defineKind} from './kind.ts';
import {judgeApparmorEnforcing, judgeComplainProfiles, judgeExeAttached} from './mac/apparmor.ts';
import {judgeDenials} from './mac/denials.ts';
import {noSubject} from './mac/evidence.ts';
import {
  denialHours,
  expectationsOf,
  type MacCheck,
  type MacExpectation,
  macProblems,
  macSchema,
  partsOf,
} from './mac/schema.ts';
import {judgeBooleans, judgePermissiveDomains, judgePolicyType, judgeSelinuxEnforcing} from './mac/selinux.ts';
import {judgeUnitConfined} from './mac/units.ts';
import {listOf} from './shared.ts';

export const macKind = defineKind<typeof macSchema>({
  name: 'mac',
  summary:
    'SELinux and AppArmor: enforcing now and at the next boot, policy, permissive parts, confined units, denials.',
  schema: macSchema,
  problems: macProblems,
  canBeEmpty: () => true,
  wants: check => wants(check),
  judge: (check, facts): Judgement[] => {
    const judgements = expectationsOf(check).flatMap(key => judgeExpectation(key, check, facts));
    return check.opposite ? judgements.map(turned) : judgements;
  },
  flips: check => {
    const {module, of, opposite} = check;
    const frame = {...(module === undefined ? {} : {module}), ...(of === undefined ? {} : {of})};
    return expectationsOf(check).map(key => ({
      what: key,
      check: {...frame, [key]: check[key], ...(opposite ? {} : {opposite: true})} as MacCheck,
    }));
  },
  looks: check => looks(check),
  wanted: check => `${check.opposite ? 'not: ' : ''}${wantedParts(check).join('; ')}`,
});

function wants(check: MacCheck): FactRequest[] {
  const needsProcesses =
    check.unit_confined !== undefined || check.exe_attached !== undefined || check.denials_at_most?.unit !== undefined;
  return [
    {fact: 'selinux'},
    {fact: 'apparmor'},
    ...(needsProcesses ? [{fact: 'processes'} as const] : []),
    ...(check.denials_at_most === undefined ? [] : [{fact: 'denials', hours: denialHours(check)} as const]),
  ];
}

function judgeExpectation(key: MacExpectation, check: MacCheck, facts: Facts): Judgement[] {
  const selinuxAnswer = facts.get({fact: 'selinux'});
  const apparmorAnswer = facts.get({fact: 'apparmor'});
  if (selinuxAnswer.state !== 'seen') return [unseenFact('SELinux', selinuxAnswer)];
  if (apparmorAnswer.state !== 'seen') return [unseenFact('AppArmor', apparmorAnswer)];
  const [selinux, apparmor, parts] = [selinuxAnswer.value, apparmorAnswer.value, partsOf(check)];
  switch (key) {
    case 'enforcing':
      return [judgeEnforcing(check, selinux, apparmor)];
    case 'policy_type':
      return [judgePolicyType(selinux, check.policy_type ?? [])];
    case 'permissive_domains':
      return [judgePermissiveDomains(selinux, check.permissive_domains?.except ?? [], parts)];
    case 'complain_profiles':
      return [judgeComplainProfiles(apparmor, check.complain_profiles?.except ?? [], check.of)];
    case 'booleans':
      return judgeBooleans(selinux, check.booleans ?? {}, parts);
    case 'unit_confined':
      return listOf(check.unit_confined).map(unit =>
        judgeUnitConfined(unit, facts.get({fact: 'processes'}), selinux, apparmor, facts),
      );
    case 'exe_attached':
      return judgeExeAttached(apparmor, facts.get({fact: 'processes'}));
    case 'denials_at_most': {
      const wanted = check.denials_at_most ?? {};
      const processes = wanted.unit === undefined ? null : facts.get({fact: 'processes'});
      return [
        judgeDenials(
          wanted as {count?: number; hours?: number; unit?: string},
          facts.get({fact: 'denials', hours: denialHours(check)}),
          processes,
          facts,
        ),
      ];
    }
  }
}

function unseenFact(subject: string, answer: Exclude<Answer<unknown>, {state: 'seen'}>): Judgement {
  return {subject, verdict: answer.state === 'live-only' ? 'not-applicable' : 'unknown', reason: answer.reason};
}

function judgeEnforcing(check: MacCheck, selinux: SelinuxFact, apparmor: ApparmorFact): Judgement {
  const module =
    check.module === undefined || check.module === 'any'
      ? chooseModule(selinux, apparmor)
      : namedModule(check.module, selinux, apparmor);
  switch (module) {
    case 'selinux':
      return judgeSelinuxEnforcing(selinux, partsOf(check));
    case 'apparmor':
      return judgeApparmorEnforcing(apparmor, partsOf(check));
    case 'unseen':
      return {
        subject: 'mandatory access control',
        verdict: 'unknown',
        reason: selinux.kernel.state === 'unseen' ? selinux.kernel.reason : '',
      };
    case null:
      return noSubject(
        'mandatory access control',
        'neither SELinux nor AppArmor is active in the kernel, nor is either set up',
      );
    default:
      return noSubject(module.subject, module.reason);
  }
}

const isActive = ({kernel}: SelinuxFact | ApparmorFact) => kernel.state === 'seen' && kernel.value;

/** Something is set up that a boot or a policy load could bring to life: then that it is off is a failure, not an absence. */
const selinuxSetUp = ({configured}: SelinuxFact) => configured.state === 'seen' || configured.state === 'unseen';
const apparmorSetUp = ({enabled, onDisk}: ApparmorFact) =>
  enabled.state === 'seen' || onDisk.state === 'seen' || onDisk.state === 'unseen';

/** The one that is active; else the one that is set up; SELinux only when its configuration does not say disabled. */
type Choice = 'selinux' | 'apparmor' | 'unseen' | null;

function chooseModule(selinux: SelinuxFact, apparmor: ApparmorFact): Choice {
  if (isActive(selinux)) return 'selinux';
  if (isActive(apparmor)) return 'apparmor';
  const wantsSelinux =
    selinuxSetUp(selinux) && !(selinux.configured.state === 'seen' && selinux.configured.value === 'disabled');
  if (wantsSelinux) return 'selinux';
  if (apparmorSetUp(apparmor)) return 'apparmor';
  if (selinuxSetUp(selinux)) return 'selinux';
  return selinux.kernel.state === 'unseen' ? 'unseen' : null;
}

function namedModule(
  module: 'selinux' | 'apparmor',
  selinux: SelinuxFact,
  apparmor: ApparmorFact,
): Choice | {subject: string; reason: string} {
  const there = module === 'selinux' ? selinuxSetUp(selinux) : apparmorSetUp(apparmor);
  const fact = module === 'selinux' ? selinux : apparmor;
  if (there || isActive(fact)) return module;
  if (fact.kernel.state === 'unseen') return 'unseen';
  const subject = module === 'selinux' ? 'SELinux' : 'AppArmor';
  return {subject, reason: `${subject} is not active in the kernel, nor is it set up`};
}

/** For `opposite`: what passes fails, what fails passes; what could not be seen stays so. */
function turned(judgement: Judgement): Judgement {
  if (judgement.verdict !== 'pass' && judgement.verdict !== 'fail') return judgement;
  const {subject, where, scope} = judgement;
  const verdict = judgement.verdict === 'pass' ? 'fail' : 'pass';
  const compared = judgement.compared.map(comparison => ({
    ...comparison,
    expected: `anything but ${[comparison.expected].flat().join(', ')}`,
    ok: verdict === 'pass',
  }));
  return {subject, verdict, compared, where, scope};
}

function looks(check: MacCheck): string {
  const given = expectationsOf(check);
  const places = [
    'the LSM list of securityfs',
    'selinuxfs, /etc/selinux and the binary policies',
    'the profiles of securityfs and /etc/apparmor.d',
    ...(given.includes('enforcing') ? ['the boot loader entries'] : []),
    ...(given.some(key => key === 'unit_confined' || key === 'exe_attached') ? ['/proc/PID/attr/current'] : []),
    ...(given.includes('denials_at_most') ? ['the audit log, else the journal, else the kernel messages'] : []),
  ];
  return `Reads ${places.slice(0, -1).join(', ')} and ${places.at(-1)}.`;
}

function wantedParts(check: MacCheck): string[] {
  const module =
    check.module === 'selinux' ? 'SELinux' : check.module === 'apparmor' ? 'AppArmor' : 'SELinux or AppArmor';
  const but = (names: readonly string[] | undefined) =>
    names === undefined || names.length === 0 ? '' : ` but ${names.join(', ')}`;
  const denials = check.denials_at_most;
  return [
    check.enforcing ? `${module} enforcing (${partsOf(check).join(' and ')})` : '',
    check.policy_type === undefined ? '' : `SELinux policy ${check.policy_type.join(' or ')}`,
    check.permissive_domains === undefined ? '' : `no permissive SELinux domain${but(check.permissive_domains.except)}`,
    check.complain_profiles === undefined
      ? ''
      : `no AppArmor profile in complain mode${but(check.complain_profiles.except)}`,
    ...Object.entries(check.booleans ?? {}).map(([name, value]) => `SELinux boolean ${name} ${value ? 'on' : 'off'}`),
    check.unit_confined === undefined ? '' : `confined: ${listOf(check.unit_confined).join(', ')}`,
    check.exe_attached ? 'no process outside the AppArmor profile that is loaded for it' : '',
    denials === undefined
      ? ''
      : `at most ${denials.count ?? 0} denials in ${denialHours(check)} h${denials.unit === undefined ? '' : ` of ${denials.unit}`}`,
  ].filter(part => part !== '');
}
