import type {Static} from 'typebox';
import * as Type from 'typebox';
import type {FactRequest, Facts} from '../facts/index.ts';
import type {Judgement} from '../finding.ts';
import {defineKind} from './kind.ts';
import {judgeAutomatic} from './patch/automatic.ts';
import {judgeNewestKernel, judgeReboot, judgeStale, judgeSupport} from './patch/machine.ts';
import {supportKinds, supportKindsOf} from './patch/support-kinds.ts';
import {judgeAge, judgeHeld, judgeMetadata, judgePending} from './patch/updates.ts';

const count = Type.Integer({minimum: 0, maximum: 100_000});

const schema = Type.Object(
  {
    security_pending_at_most: Type.Optional(count),
    security_pending_days_at_most: Type.Optional(count),
    metadata_age_hours_at_most: Type.Optional(count),
    reboot_required: Type.Optional(Type.Literal(false, {wanted: 'false'})),
    running_newest_kernel: Type.Optional(Type.Literal(true, {wanted: 'true'})),
    stale_libraries: Type.Optional(Type.Literal('none', {wanted: '"none"'})),
    except: Type.Optional(
      Type.Array(Type.String({minLength: 1, maxLength: 256}), {maxItems: 100, wanted: 'a list of systemd units'}),
    ),
    support_days_at_least: Type.Optional(Type.Integer({minimum: 0, maximum: 10_000})),
    kind: Type.Optional(
      Type.Array(Type.Enum([...supportKinds]), {
        minItems: 1,
        maxItems: 3,
        wanted: `a list of ${supportKinds.join(', ')}`,
      }),
    ),
    held_security: Type.Optional(Type.Literal('none', {wanted: '"none"'})),
    automatic: Type.Optional(Type.Literal(true, {wanted: 'true'})),
  },
  {additionalProperties: false},
);

type Schema = Static<typeof schema>;
/** The values that {@link Kind.flips} puts in place of those a rule may have. */
export type PatchCheck = Omit<
  Schema,
  'reboot_required' | 'running_newest_kernel' | 'stale_libraries' | 'held_security' | 'automatic'
> & {
  reboot_required?: boolean;
  running_newest_kernel?: boolean;
  stale_libraries?: 'none' | 'some';
  held_security?: 'none' | 'some';
  automatic?: boolean;
};

const expectations = [
  'security_pending_at_most',
  'security_pending_days_at_most',
  'metadata_age_hours_at_most',
  'reboot_required',
  'running_newest_kernel',
  'stale_libraries',
  'support_days_at_least',
  'held_security',
  'automatic',
] as const;
type Expected = (typeof expectations)[number];

const updates: FactRequest = {fact: 'updates'};
const reboot: FactRequest = {fact: 'reboot'};

/** What each expectation looks at: its facts, and the words for `reeve explain`. */
const looksAt: {[key in Expected]: {facts: FactRequest[]; words: string}} = {
  security_pending_at_most: {facts: [updates], words: 'the package database against the fetched lists of apt or dnf'},
  security_pending_days_at_most: {
    facts: [updates],
    words: 'the package database against the fetched lists of apt or dnf',
  },
  metadata_age_hours_at_most: {facts: [updates], words: 'when the lists were fetched and dated'},
  reboot_required: {facts: [reboot], words: 'the running kernel, the installed ones and /run/reboot-required'},
  running_newest_kernel: {facts: [reboot], words: 'the running kernel and the installed ones'},
  stale_libraries: {facts: [{fact: 'staleLibraries'}], words: 'the executable mappings in /proc/PID/maps'},
  support_days_at_least: {facts: [{fact: 'support'}], words: 'os-release and the tables of distro-info-data'},
  held_security: {facts: [updates], words: 'holds, locks and pins'},
  automatic: {
    facts: [{fact: 'packages'}, {fact: 'autoUpdates'}],
    words: 'the configuration of unattended-upgrades or dnf-automatic and its timers',
  },
};

const expected = (check: PatchCheck) => expectations.filter(key => check[key] !== undefined);

export const patchKind = defineKind<typeof schema>({
  name: 'patch',
  summary: 'How far the machine is behind its vendor: pending security updates, their age, reboots, kernels, support.',
  schema,
  problems: check => [
    ...(expected(check).length > 0
      ? []
      : [{at: [], message: `nothing is expected: give at least one of ${expectations.join(', ')}`}]),
    ...(check.except !== undefined && check.stale_libraries === undefined
      ? [{at: ['except'], message: '"except" goes with "stale_libraries"'}]
      : []),
    ...(check.kind !== undefined && check.support_days_at_least === undefined
      ? [{at: ['kind'], message: '"kind" goes with "support_days_at_least"'}]
      : []),
  ],
  canBeEmpty: () => true,
  wants: check => [...new Set(expected(check).flatMap(key => looksAt[key].facts))],
  judge: (check, facts, {now}) => expected(check).flatMap(key => judges[key](check, facts, now)),
  flips: check => expected(check).map(key => ({what: key, check: flip(check, key) as Schema})),
  looks: check =>
    `Looks at ${[...new Set(expected(check).map(key => looksAt[key].words))].join('; ')}. Nothing is fetched.`,
  wanted: check =>
    expected(check)
      .map(key => wantedWords(check, key))
      .join(', '),
});

type Judge = (check: PatchCheck, facts: Facts, now: number) => Judgement | Judgement[];

const judges: {[key in Expected]: Judge} = {
  security_pending_at_most: judgePending,
  security_pending_days_at_most: judgeAge,
  metadata_age_hours_at_most: judgeMetadata,
  reboot_required: judgeReboot,
  running_newest_kernel: judgeNewestKernel,
  stale_libraries: judgeStale,
  support_days_at_least: judgeSupport,
  held_security: judgeHeld,
  automatic: judgeAutomatic,
};

/** Bounds become ones that nothing meets, the rest its opposite. */
function flip(check: PatchCheck, key: Expected): PatchCheck {
  const {[key]: _, ...rest} = check;
  const opposites: {[key in Expected]: PatchCheck} = {
    security_pending_at_most: {security_pending_at_most: -1},
    security_pending_days_at_most: {security_pending_at_most: -1},
    metadata_age_hours_at_most: {metadata_age_hours_at_most: -1},
    reboot_required: {reboot_required: true},
    running_newest_kernel: {running_newest_kernel: false},
    stale_libraries: {stale_libraries: 'some'},
    support_days_at_least: {support_days_at_least: 1_000_000},
    held_security: {held_security: 'some'},
    automatic: {automatic: false},
  };
  return {...rest, ...opposites[key]};
}

function wantedWords(check: PatchCheck, key: Expected): string {
  const words: {[key in Expected]: string} = {
    security_pending_at_most: `at most ${check.security_pending_at_most} security updates pending`,
    security_pending_days_at_most: `no pending security update older than ${check.security_pending_days_at_most} days`,
    metadata_age_hours_at_most: `package lists not older than ${check.metadata_age_hours_at_most} hours`,
    reboot_required: 'no reboot required',
    running_newest_kernel: 'the newest installed kernel runs',
    stale_libraries: 'no service runs on deleted or replaced files',
    support_days_at_least: `supported (${supportKindsOf(check).join(', ')}) for at least ${check.support_days_at_least} days`,
    held_security: 'no package with a pending security update is held',
    automatic: 'security updates are installed automatically',
  };
  return words[key];
}
