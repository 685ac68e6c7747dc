import {kindsByName} from '../../policies/kinds/index.ts';
import {mismatches} from '../../policies/load/schema.ts';
import type {NoneVerdict, Rule} from '../../policies/pack.ts';

/** A rule with one check of a kind, refused when the kind's schema refuses it. */
export function ruleOf(name: string, check: object, none: NoneVerdict | null = 'not-applicable'): Rule {
  const kind = kindsByName.get(name);
  if (kind === undefined) throw new Error(`there is no kind "${name}"`);
  const problems = [
    ...mismatches(kind.schema, check).map(({message}) => message),
    ...(kind.problems?.(check as never) ?? []).map(({message}) => message),
  ];
  if (problems.length > 0) throw new Error(problems.join('; '));
  return {
    id: `demo.${name}`,
    pack: 'demo',
    area: 'demo',
    title: `A rule of kind ${name}`,
    why: 'It shows something.',
    severity: 'medium',
    refs: {},
    applies: [],
    check: {kind, check: check as never},
    none,
    cure: null,
    where: 'demo.yaml:1',
  };
}
