import type {Finding} from '../../policies/finding.ts';
import type {Pack, Rule} from '../../policies/pack.ts';
import {type Counts, countRules} from '../../policies/summary.ts';

/** One check of one host, as every output format renders it. */
export type Report = {
  /** Names the shape; it changes when a field changes its meaning. */
  schema: 'reeve.report/1';
  reeve: string;
  host: {name: string; os: string; root: string; live: boolean /** Whether root looked. */; privileged: boolean};
  startedAt: string;
  durationMs: number;
  packs: Array<{name: string; version: string; title: string; digest: string; rules: Counts}>;
  /** Every rule that was judged, by id, for titles and reasons. */
  rules: Map<string, Rule>;
  findings: Finding[];
  notes: string[];
};

export function packCounts(packs: Pack[], rules: Rule[], findings: Finding[]): Report['packs'] {
  return packs
    .filter(pack => rules.some(rule => rule.pack === pack.name))
    .map(({name, version, title, digest}) => ({
      name,
      version,
      title,
      digest,
      rules: countRules(findings.filter(finding => finding.pack === name)),
    }));
}

/** The title of a finding's rule; reeve's own findings have no rule in a pack. */
export function titleOf(report: Report, finding: Finding): string {
  const own: {[rule: string]: string} = {
    'reeve.waiver-expired': 'Waivers are renewed or removed when they end',
    'reeve.waiver-orphaned': 'Waivers are about rules and subjects that exist',
  };
  return report.rules.get(finding.rule)?.title ?? own[finding.rule] ?? finding.rule;
}

/** One line that says what a finding found: for formats that have room for one text. */
export function sentence(finding: Finding): string {
  switch (finding.verdict) {
    case 'error':
      return finding.error.message;
    case 'unknown':
    case 'not-applicable':
      return finding.reason;
    default: {
      const keys = finding.wrong.length > 0 ? finding.wrong : Object.keys(finding.actual);
      return keys
        .map(key => `${key}: found ${show(finding.actual[key])}, wanted ${show(finding.expected[key])}`)
        .join('; ');
    }
  }
}

/** A value in a reader's words: lists joined, at most `most` of their members, true and false as yes and no. */
export function show(value: unknown, most = Number.POSITIVE_INFINITY): string {
  if (Array.isArray(value)) return showList(value, most);
  if (value === true) return 'yes';
  if (value === false) return 'no';
  if (value === null || value === undefined) return 'nothing';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** A list that a kind has cut already ends on `N more`: its N counts too. */
function showList(list: unknown[], most: number): string {
  const cut = /^(?:and )?(\d+) more$/.exec(String(list.at(-1)));
  const members = cut === null ? list : list.slice(0, -1);
  const rest = Math.max(0, members.length - most) + Number(cut?.[1] ?? 0);
  const shown = (rest > 1 ? members.slice(0, most) : members).map(item => show(item, most)).join(', ');
  return rest > 1 ? `${shown} and ${rest} more` : shown;
}
