import type {CheckNode, Rule} from '../../policies/pack.ts';
import {ReeveError} from '../errors.ts';
import {alignTable, clip, labelled, painter, wrap} from '../report/text.ts';
import {type ExitStatus, exitStatus, type Io} from './io.ts';
import {type SelectionOptions, selectRules} from './selection.ts';

/** `reeve rules`: every rule that is loaded, by pack and area. */
export async function listRules(options: SelectionOptions & {json?: boolean}, io: Io): Promise<ExitStatus> {
  const {rules} = await selectRules(options);
  if (options.json) {
    io.out(`${JSON.stringify(rules.map(describeRule), null, 2)}\n`);
    return exitStatus.ok;
  }
  for (const [pack, group] of Map.groupBy(rules, rule => rule.pack)) {
    io.out(`${painter(io.colour)('bold', `${pack} (${group.length} rules)`)}\n`);
    const rows = group.map(rule => [rule.id, rule.severity, rule.title]);
    for (const line of alignTable(['id', 'severity', 'title'], rows)) io.out(`${clip(line, io.columns)}\n`);
    io.out('\n');
  }
  return exitStatus.ok;
}

/** `reeve explain RULE`: what, why, how it is looked at, what is wanted, the cure. */
export async function explainRule(
  id: string,
  options: SelectionOptions & {json?: boolean},
  io: Io,
): Promise<ExitStatus> {
  const {rules} = await selectRules({...options, rule: [id]});
  const rule = rules[0];
  if (rule === undefined)
    throw new ReeveError('REEVE_RULE_UNKNOWN', `there is no rule "${id}": reeve rules lists them`);
  if (options.json) {
    io.out(`${JSON.stringify(describeRule(rule), null, 2)}\n`);
    return exitStatus.ok;
  }
  const paint = painter(io.colour);
  const row = (label: string, text: string) => labelled(label, text, {indent: 0, labelWidth: 10, columns: io.columns});
  const lines = [
    paint('bold', rule.id),
    ...wrap(rule.title, io.columns),
    '',
    ...row('why', rule.why),
    ...row('severity', rule.severity),
    ...row('pack', `${rule.pack}, ${rule.area}`),
    ...leaves(rule.check).flatMap(({kind, check}) => [
      ...row('wanted', kind.wanted(check as never)),
      ...row('looks', kind.looks(check as never)),
    ]),
    ...(joinOf(rule.check) === null ? [] : row('joined', joinOf(rule.check) as string)),
    ...(rule.none === null ? [] : row('if none', `${rule.none}, when there is nothing to judge`)),
    ...(rule.applies.length === 0 ? [] : row('applies', rule.applies.map(applies => appliesText(applies)).join('; '))),
    ...row('cure', rule.cure ?? 'each finding says it with the paths of this host'),
    ...Object.entries(rule.refs).flatMap(([scheme, ids]) => row('refs', `${scheme} ${ids.join(', ')}`)),
    ...row('where', rule.where),
  ];
  io.out(`${lines.join('\n')}\n`);
  return exitStatus.ok;
}

function leaves(node: CheckNode): Array<Extract<CheckNode, {kind: unknown}>> {
  if ('all' in node) return node.all.flatMap(leaves);
  if ('any' in node) return node.any.flatMap(leaves);
  return [node];
}

function joinOf(node: CheckNode): string | null {
  if ('all' in node) return 'all of these must hold';
  return 'any' in node ? 'one of these must hold' : null;
}

const appliesText = (applies: Rule['applies'][number]) =>
  Object.entries(applies)
    .map(
      ([key, value]) =>
        `${key.replace('_', ' ')} ${
          typeof value === 'object' && !Array.isArray(value)
            ? Object.entries(value)
                .map(([name, bound]) => `${name} ${bound}`)
                .join(', ')
            : [value].flat().join(' or ')
        }`,
    )
    .join(', ');

function describeRule(rule: Rule): object {
  const {id, pack, area, title, why, severity, refs, none, cure, where} = rule;
  return {
    id,
    pack,
    area,
    title,
    why,
    severity,
    refs,
    none,
    cure,
    where,
    kinds: [...new Set(leaves(rule.check).map(({kind}) => kind.name))],
    wanted: leaves(rule.check).map(({kind, check}) => kind.wanted(check as never)),
    looks: leaves(rule.check).map(({kind, check}) => kind.looks(check as never)),
  };
}
