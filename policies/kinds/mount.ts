import type {Static} from 'typebox';
import * as Type from 'typebox';
import {type Answer, withoutValue} from '../facts/answer.ts';
import type {FstabFact, MountFact} from '../facts/mounts.ts';
import {type Comparison, type Judgement, judged} from '../finding.ts';
import {defineKind} from './kind.ts';
import {effectiveOptions, hasOption, oppositeOf, runningOptions} from './mount/options.ts';
import {visibleMounts} from './mount/visible.ts';
import {listOf, orList, pathOrPaths, shellWord} from './shared.ts';

const option = Type.String({pattern: '^[^,\\s]+$', maxLength: 256, wanted: 'one mount option'});
const optionList = Type.Array(option, {minItems: 1, maxItems: 64, wanted: 'a list of mount options'});
const typeList = Type.Array(Type.String({minLength: 1, maxLength: 64}), {
  minItems: 1,
  maxItems: 64,
  wanted: 'a list of file system types',
});

const schema = Type.Object(
  {
    point: Type.Optional(pathOrPaths),
    fstype: Type.Optional(typeList),
    separate: Type.Optional(Type.Literal(true, {wanted: 'true'})),
    options_include: Type.Optional(optionList),
    options_exclude: Type.Optional(optionList),
    fstype_in: Type.Optional(typeList),
    of: Type.Optional(
      Type.Array(Type.Enum(['runtime', 'persistent']), {
        minItems: 1,
        maxItems: 2,
        uniqueItems: true,
        wanted: 'a list of runtime, persistent',
      }),
    ),
  },
  {additionalProperties: false},
);
type MountCheck = Static<typeof schema>;

const expectations = ['separate', 'options_include', 'options_exclude', 'fstype_in'] as const;

export const mountKind = defineKind<typeof schema>({
  name: 'mount',
  summary: 'A mount point, or every mount of some types: options and type now and at the next boot.',
  schema,
  problems: check => {
    const problems: Array<{at: string[]; message: string}> = [];
    if ((check.point === undefined) === (check.fstype === undefined))
      problems.push({at: [], message: 'either "point" or "fstype" is wanted'});
    if (check.fstype !== undefined && check.separate !== undefined)
      problems.push({at: ['separate'], message: '"separate" needs "point"'});
    if (!expectations.some(key => check[key] !== undefined))
      problems.push({at: [], message: `nothing is expected: give at least one of ${expectations.join(', ')}`});
    return problems;
  },
  canBeEmpty: check => check.separate === undefined,
  wants: () => [{fact: 'mounts'}, {fact: 'fstab'}],
  judge: (check, facts): Judgement[] => {
    const looked: Looked = {mounts: facts.get({fact: 'mounts'}), fstab: facts.get({fact: 'fstab'})};
    const visible = looked.mounts.state === 'seen' ? visibleMounts(looked.mounts.value) : new Map<string, MountFact>();
    const points = check.fstype === undefined ? listOf(check.point) : pointsOfType(check.fstype, visible, looked);
    if (points.length === 0) return [noPoint(check, looked)];
    const judgements = points.map(point => judgePoint(check, point, visible.get(point), looked));
    const found = judgements.filter(({verdict}) => verdict !== 'none');
    return found.length > 0 ? found : judgements.slice(0, 1);
  },
  flips: check => {
    const {options_include: include, options_exclude: exclude, ...rest} = check;
    return [
      ...(check.separate === undefined
        ? []
        : [{what: 'separate', check: {...check, separate: false} as unknown as MountCheck}]),
      ...(include ?? []).map(wanted => ({
        what: `options_include ${wanted}`,
        check: {...rest, options_exclude: [wanted]},
      })),
      ...(exclude ?? []).map(unwanted => ({
        what: `options_exclude ${unwanted}`,
        check: {...rest, options_include: [unwanted]},
      })),
      ...(check.fstype_in === undefined ? [] : [{what: 'fstype_in', check: {...check, fstype_in: ['no-such-type']}}]),
    ];
  },
  looks: check => {
    const sources = scopes(check).map(scope =>
      scope === 'runtime' ? '/proc/self/mountinfo' : '/etc/fstab and systemd mount units',
    );
    return `Reads ${sources.join(', and ')}.`;
  },
  wanted: check => {
    const parts = [
      check.separate === undefined ? '' : 'is a mount point of its own',
      check.options_include === undefined ? '' : `mounted with ${check.options_include.join(', ')}`,
      check.options_exclude === undefined ? '' : `mounted without ${check.options_exclude.join(', ')}`,
      check.fstype_in === undefined ? '' : `type ${orList(check.fstype_in)}`,
    ];
    const subject =
      check.fstype === undefined ? listOf(check.point).join(', ') : `every mount of type ${orList(check.fstype)}`;
    return `${subject}: ${parts.filter(part => part !== '').join(', ')} (${scopes(check).join(' and ')})`;
  },
});

type Looked = {mounts: Answer<MountFact[]>; fstab: Answer<FstabFact[]>};
const scopes = (check: MountCheck) => check.of ?? ['runtime', 'persistent'];

function pointsOfType(types: string[], visible: Map<string, MountFact>, {fstab}: Looked): string[] {
  const mounted = [...visible.values()].filter(({fstype}) => types.includes(fstype)).map(({point}) => point);
  const named =
    fstab.state === 'seen' ? fstab.value.filter(({fstype}) => types.includes(fstype)).map(({point}) => point) : [];
  return [...new Set([...mounted, ...named])].sort();
}

/** No mount of the types was found: that is an answer only where all that was wanted could be seen. */
function noPoint(check: MountCheck, looked: Looked): Judgement {
  const subject = `mounts of type ${orList(check.fstype ?? [])}`;
  for (const scope of scopes(check)) {
    const answer = scope === 'runtime' ? looked.mounts : looked.fstab;
    if (answer.state === 'unseen') return withoutValue(subject, answer);
  }
  if (scopes(check).every(scope => scope === 'runtime') && looked.mounts.state === 'live-only')
    return withoutValue(subject, looked.mounts);
  return {subject, verdict: 'none', reason: `there is no mount of type ${orList(check.fstype ?? [])}`};
}

function judgePoint(check: MountCheck, point: string, mount: MountFact | undefined, looked: Looked): Judgement {
  const result: Result = {compared: [], cures: [], where: []};
  const open: string[] = [];
  const runtime = scopes(check).includes('runtime') && looked.mounts.state === 'seen';
  const persistent = scopes(check).includes('persistent');
  if (scopes(check).includes('runtime') && looked.mounts.state === 'unseen') open.push(looked.mounts.reason);
  if (persistent && looked.fstab.state === 'unseen') open.push(looked.fstab.reason);
  const entries =
    persistent && looked.fstab.state === 'seen' ? looked.fstab.value.filter(entry => entry.point === point) : [];
  if (check.separate !== undefined && (runtime || (persistent && open.length === 0))) {
    const there = runtime ? mount !== undefined : entries.length > 0;
    result.compared.push({
      what: runtime ? 'mounted now' : 'mounted at next boot',
      expected: check.separate,
      actual: there,
      ok: there === check.separate,
    });
    result.cures.push(...(there ? [] : [`give ${point} a file system of its own and a line in /etc/fstab`]));
    result.where.push(runtime ? '/proc/self/mountinfo' : '/etc/fstab');
  }
  if (runtime && mount !== undefined) compareRunning(check, mount, result);
  for (const entry of entries) compareEntry(check, entry, result);
  const wrong = result.compared.some(({ok}) => !ok);
  if (!wrong && open.length > 0) return {subject: point, verdict: 'unknown', reason: open.join('; ')};
  if (result.compared.length === 0) {
    if (looked.mounts.state === 'live-only' && !persistent) return withoutValue(point, looked.mounts);
    return {
      subject: point,
      verdict: 'none',
      reason: `nothing is mounted on ${point}${runtime ? '' : ' by /etc/fstab or a mount unit'}`,
    };
  }
  const spoke = {
    now: runtime && (mount !== undefined || check.separate !== undefined),
    boot: entries.length > 0 || !runtime,
  };
  const scope = spoke.now && spoke.boot ? 'effective' : spoke.now ? 'runtime' : 'persistent';
  return judged(point, result.compared, {
    where: [...new Set(result.where)],
    scope,
    cure: wrong ? result.cures.join('; ') || undefined : undefined,
  });
}

type Result = {compared: Comparison[]; cures: string[]; where: string[]};

function compareRunning(check: MountCheck, mount: MountFact, result: Result): void {
  const change = compareOptions('options now', check, runningOptions(mount), result);
  compareType('type now', check, mount.fstype, result);
  result.where.push('/proc/self/mountinfo');
  const bind = mount.root !== '/' && mount.fstype !== 'btrfs' ? 'bind,' : '';
  if (change.add.length > 0)
    result.cures.push(`mount -o remount,${bind}${change.add.join(',')} ${shellWord(mount.point)}`);
}

function compareEntry(check: MountCheck, entry: FstabFact, result: Result): void {
  const change = compareOptions('options at next boot', check, effectiveOptions(entry.options), result);
  if (entry.fstype !== 'auto') compareType('type at next boot', check, entry.fstype, result);
  result.where.push(entry.where);
  const steps = [
    ...(change.add.length > 0 ? [`add ${change.add.join(',')}`] : []),
    ...(change.drop.length > 0 ? [`take ${change.drop.join(',')} away`] : []),
  ];
  if (steps.length === 0) return;
  const place =
    entry.unit === null
      ? `in the options at ${entry.where}`
      : `in Options= of [Mount] at ${entry.where} (systemctl edit ${shellWord(entry.unit)})`;
  result.cures.push(`${steps.join(' and ')} ${place}`);
}

/** Compares, and says which options must be added and which can only be taken away. */
function compareOptions(
  what: string,
  check: MountCheck,
  options: ReadonlySet<string>,
  result: Result,
): {add: string[]; drop: string[]} {
  const include = check.options_include ?? [];
  const exclude = check.options_exclude ?? [];
  if (include.length === 0 && exclude.length === 0) return {add: [], drop: []};
  const lacking = include.filter(wanted => !hasOption(options, wanted));
  const unwanted = exclude.filter(other => hasOption(options, other));
  const expected = [
    ...(include.length > 0 ? [`with ${include.join(', ')}`] : []),
    ...(exclude.length > 0 ? [`without ${exclude.join(', ')}`] : []),
  ];
  result.compared.push({
    what,
    expected: expected.join(' and '),
    actual: [...options].join(','),
    ok: lacking.length === 0 && unwanted.length === 0,
  });
  const add = [...lacking, ...unwanted.flatMap(other => oppositeOf(other) ?? [])];
  return {add, drop: unwanted.filter(other => oppositeOf(other) === null)};
}

function compareType(what: string, check: MountCheck, fstype: string, result: Result): void {
  if (check.fstype_in === undefined) return;
  result.compared.push({what, expected: orList(check.fstype_in), actual: fstype, ok: check.fstype_in.includes(fstype)});
}
