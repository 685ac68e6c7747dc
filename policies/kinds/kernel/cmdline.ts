import type {Static} from 'typebox';
import * as Type from 'typebox';
import {type Answer, withoutValue} from '../../facts/answer.ts';
import type {BootEdit, BootEntriesFact, BootEntry} from '../../facts/boot.ts';
import type {KernelFact} from '../../facts/kernel.ts';
import {type Comparison, type Judgement, judged} from '../../finding.ts';
import {hasArgument, mentionsArgument} from '../../kernel-arguments.ts';

const words = Type.Array(Type.String({pattern: '^\\S+$', minLength: 1, maxLength: 256}), {
  minItems: 1,
  maxItems: 64,
  wanted: 'a list of kernel arguments',
});
export const cmdlineKeys = Type.Object(
  {
    has: Type.Optional(words),
    lacks: Type.Optional(words),
    of: Type.Optional(
      Type.Array(Type.Enum(['runtime', 'persistent']), {
        minItems: 1,
        maxItems: 2,
        wanted: 'a list of runtime, persistent',
      }),
    ),
  },
  {additionalProperties: false},
);
type CmdlineKeys = Static<typeof cmdlineKeys>;
const subject = 'kernel arguments';

/** Of the boot loader's entries each must hold, but for those for rescue. */
export function judgeCmdline(
  wanted: CmdlineKeys,
  scopes: ReadonlyArray<'runtime' | 'persistent'>,
  kernel: Answer<KernelFact>,
  entries: () => Answer<BootEntriesFact>,
): Judgement {
  const compared: Comparison[] = [];
  const where: string[] = [];
  let edit: BootEdit | null = null;
  let open: Judgement | null = null;
  const live = kernel.state === 'seen';
  if (scopes.includes('runtime') && (live || !scopes.includes('persistent'))) {
    if (!live) return withoutAnswer(kernel);
    const {cmdline} = kernel.value;
    if (cmdline.state !== 'seen') return withoutAnswer(cmdline);
    compared.push(...compare('running', wanted, cmdline.value));
    where.push(...cmdline.where);
  }
  if (scopes.includes('persistent')) {
    const answer = entries();
    if (answer.state !== 'seen') open = withoutAnswer(answer);
    else {
      const found = answer.value.entries;
      edit = answer.value.edit;
      const usual = found.filter((entry): entry is BootEntry => 'arguments' in entry && !entry.recovery);
      const unseen = found.find(entry => 'unseen' in entry);
      if (unseen !== undefined) open = {subject, verdict: 'unknown', reason: unseen.unseen};
      else if (usual.length === 0)
        open = {subject, verdict: 'unknown', reason: 'the boot loader has entries for rescue only'};
      // One entry stands for all: the first that is wrong, else the first.
      const worst = usual.find(({arguments: list}) => compare('', wanted, list).some(({ok}) => !ok)) ?? usual[0];
      if (worst !== undefined) {
        compared.push(...compare('at next boot', wanted, worst.arguments));
        where.push(...(compared.every(({ok}) => ok) ? usual.slice(0, 10).map(entry => entry.where) : [worst.where]));
      }
    }
  }
  if (open !== null && compared.every(({ok}) => ok)) return open;
  const [running, next] = ['running', 'at next boot'].map(what =>
    compared.some(comparison => comparison.what === what),
  );
  const scope = running && next ? 'effective' : running ? 'runtime' : 'persistent';
  return judged(subject, compared, {where, scope, cure: cureOf(wanted, edit)});
}

function withoutAnswer(answer: Exclude<Answer<unknown>, {state: 'seen'}>): Judgement {
  if (answer.state !== 'absent') return withoutValue(subject, answer);
  return {
    subject,
    verdict: 'unknown',
    reason: `${answer.reason}: where its kernel gets its arguments from cannot be told`,
  };
}

function compare(what: string, {has = [], lacks = []}: CmdlineKeys, given: string[]): Comparison[] {
  const missing = has.filter(word => !hasArgument(given, word));
  const unwanted = lacks.filter(word => mentionsArgument(given, word));
  const expected = [...has.map(word => `with ${word}`), ...lacks.map(word => `without ${word}`)].join(', ');
  const wrong = [
    ...missing.map(word => `without ${word}${insteadOf(given, word)}`),
    ...unwanted.map(word => `with ${word}`),
  ].join(', ');
  return [{what, expected, actual: wrong || expected, ok: wrong === ''}];
}

/** ` (audit=0)` where the same argument has another value. */
function insteadOf(given: string[], wanted: string): string {
  const name = `${wanted.split('=', 1)[0]}=`;
  const other = wanted.includes('=') ? given.findLast(word => word.startsWith(name)) : undefined;
  return other === undefined ? '' : ` (${other})`;
}

function cureOf({has = [], lacks = []}: CmdlineKeys, edit: BootEdit | null): string {
  const change = [has.length > 0 ? `add ${has.join(' ')}` : '', lacks.length > 0 ? `take out ${lacks.join(' ')}` : '']
    .filter(part => part !== '')
    .join(' and ');
  switch (edit?.by) {
    case 'grub':
      return `in GRUB_CMDLINE_LINUX of ${edit.where} ${change}; ${edit.apply}; then reboot`;
    case 'grubby': {
      const args = [
        has.length > 0 ? ` --args="${has.join(' ')}"` : '',
        lacks.length > 0 ? ` --remove-args="${lacks.join(' ')}"` : '',
      ];
      return `grubby --update-kernel=ALL${args.join('')}; then reboot`;
    }
    case 'kernel-install':
      return `in ${edit.where} ${change}; ${edit.apply}; then reboot`;
    default:
      return `in the boot loader's kernel arguments ${change}; then reboot`;
  }
}
