import type {FindingInfo} from '../../controller/protocol/api.ts';
import type {Finding} from '../../policies/finding.ts';
import {countRules} from '../../policies/summary.ts';
import {printable} from '../host/names.ts';
import {countLines, findingSections, type TableOptions} from './table.ts';
import {painter} from './text.ts';
import {fromWire} from './wire.ts';

/** One host's findings as a controller has them, as lines; `rest` is the command that lists those of a rule that were cut. */
export function storedSections(found: FindingInfo[], rest: (rule: string) => string, options: TableOptions): string[] {
  const titles = new Map(found.map(({finding, title}) => [finding.rule, title]));
  return findingSections(
    storedFindings(found),
    {title: ({rule}) => printable(titles.get(rule) ?? rule), rest: rule => printable(rest(rule))},
    options,
  );
}

export const storedFindings = (found: FindingInfo[]): Finding[] =>
  found.map(({finding, observedAt}) => fromWire(finding, observedAt));

/** How many rules of each pack came to which verdict. */
export function packLines(findings: Finding[], {colour}: {colour: boolean}): string[] {
  const packs = Map.groupBy(findings, ({pack}) => pack);
  return countLines(
    [...packs].map(([name, group]) => ({name, rules: countRules(group)})),
    painter(colour),
  );
}
