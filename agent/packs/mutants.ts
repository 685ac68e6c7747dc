import type {Json} from '../../policies/json.ts';
import type {CheckNode, NoneVerdict, Rule} from '../../policies/pack.ts';

/** A rule with one thing turned. A pack's cases must notice each: a rule that may be wrong unnoticed is not proved. */
export type Mutant = {what: string; rule: Rule};

/** Every single change of the rule's expectations, structure and `none:` that its cases must notice. */
export function mutantsOf(rule: Rule): Mutant[] {
  const structural = mutateNode(rule.check, '').map(({what, node}) => ({what, rule: {...rule, check: node}}));
  const opposite: {[verdict in NoneVerdict]?: NoneVerdict} = {pass: 'fail', fail: 'pass'};
  const none = rule.none === null ? undefined : opposite[rule.none];
  return none === undefined ? structural : [...structural, {what: `none: ${none}`, rule: {...rule, none}}];
}

function mutateNode(node: CheckNode, path: string): Array<{what: string; node: CheckNode}> {
  if (!('all' in node) && !('any' in node)) {
    return node.kind.flips(node.check as never).map(({what, check}) => ({
      what: `${path}${node.kind.name}.${what} turned`,
      node: {kind: node.kind, check: check as {[key: string]: Json}},
    }));
  }
  const join = 'all' in node ? 'all' : 'any';
  const parts = 'all' in node ? node.all : node.any;
  const rebuild = (changed: CheckNode[], as: 'all' | 'any' = join): CheckNode =>
    changed.length === 1 ? (changed[0] as CheckNode) : as === 'all' ? {all: changed} : {any: changed};
  const swapped = join === 'all' ? 'any' : 'all';
  return [
    {what: `${path}${join} read as ${swapped}`, node: rebuild(parts, swapped)},
    ...parts.map((_, index) => ({what: `${path}${join}[${index}] dropped`, node: rebuild(parts.toSpliced(index, 1))})),
    ...parts.flatMap((part, index) =>
      mutateNode(part, `${path}${join}[${index}].`).map(({what, node: changed}) => ({
        what,
        node: rebuild(parts.with(index, changed)),
      })),
    ),
  ];
}
