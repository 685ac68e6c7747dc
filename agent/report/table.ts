import {type Finding, severities, type Verdict} from '../../policies/finding.ts';
import {countRules, heaviest} from '../../policies/summary.ts';
import {printable} from '../host/names.ts';
import {type Report, show, titleOf} from './report.ts';
import {alignTable, counted, labelled, type Paint, painter, wrap} from './text.ts';

export type TableOptions = {
  columns: number;
  colour: boolean /** Lists passes and what does not apply too. */;
  all: boolean;
};

const subjectsShown = 5;
const membersShown = 6;
const shownVerdicts: Verdict[] = ['error', 'fail', 'unknown', 'waived'];

/** The report for a reader at a terminal: what fails, worst first, what is not known and why, then the counts. */
export function renderTable(report: Report, options: TableOptions): string {
  const paint = painter(options.colour);
  const groups = [...Map.groupBy(report.findings, finding => `${finding.pack}\0${finding.rule}`).values()];
  const verdictsShown: Verdict[] = options.all ? [...shownVerdicts, 'pass', 'not-applicable'] : shownVerdicts;
  const lines = [heading(report, paint), ''];
  for (const verdict of verdictsShown.toReversed()) {
    const chosen = groups.filter(group => heaviest(group) === verdict).sort(bySeverity);
    if (chosen.length === 0) continue;
    lines.push(paint('bold', `${sectionTitles[verdict]} (${chosen.length})`), '');
    for (const group of chosen) lines.push(...ruleLines(report, group, verdict, options, paint), '');
  }
  return `${[...lines, ...summary(report, options, paint)].join('\n')}\n`;
}

const sectionTitles: {[verdict in Verdict]: string} = {
  error: 'Errors',
  fail: 'Failing',
  unknown: 'Not known',
  waived: 'Waived',
  pass: 'Passing',
  'not-applicable': 'Not applicable',
};

const verdictStyle = {
  error: 'magenta',
  fail: 'red',
  unknown: 'yellow',
  waived: 'blue',
  pass: 'green',
  'not-applicable': 'dim',
} as const;

function heading({host}: Report, paint: Paint): string {
  const where = host.live ? '' : `, image at ${printable(host.root)}`;
  return paint(
    'bold',
    `${printable(host.name)}, ${printable(host.os)}${where}${host.privileged ? '' : ', not looked at as root'}`,
  );
}

function bySeverity(a: Finding[], b: Finding[]): number {
  const rank = (group: Finding[]) => severities.indexOf((group[0] as Finding).severity);
  return rank(b) - rank(a);
}

function ruleLines(
  report: Report,
  group: Finding[],
  verdict: Verdict,
  {columns}: TableOptions,
  paint: Paint,
): string[] {
  const first = group[0] as Finding;
  const tag = `${verdict === 'not-applicable' ? 'n/a' : verdict}`.toUpperCase().padEnd(7);
  const lines = [`${paint(verdictStyle[verdict], tag)} ${first.severity.padEnd(8)} ${paint('bold', first.rule)}`];
  lines.push(...wrap(titleOf(report, first), columns - 8).map(line => `        ${line}`));
  const matching = group.filter(finding => finding.verdict === verdict);
  for (const finding of matching.slice(0, subjectsShown)) lines.push(...findingLines(finding, columns));
  const more = matching.length - subjectsShown;
  if (more > 0) lines.push(`        and ${more} more: reeve check --rule ${first.rule} --format json`);
  return lines;
}

function findingLines(finding: Finding, columns: number): string[] {
  const subject = printable(finding.subject);
  const row = (label: string, text: string) => labelled(label, printable(text), {indent: 8, labelWidth: 8, columns});
  switch (finding.verdict) {
    case 'error':
      return row('error', `${finding.error.message} [${finding.error.code}]`);
    case 'unknown':
    case 'not-applicable':
      return row('because', finding.reason);
    default: {
      const keys = finding.verdict === 'pass' ? Object.keys(finding.actual) : finding.wrong;
      const value = (side: 'actual' | 'expected') =>
        keys.map(key => `${key} ${show(finding[side][key], membersShown)}`).join(', ');
      const places = finding.where.filter(place => place !== finding.subject);
      return [
        ...wrap(subject, columns - 8).map(line => `        ${line}`),
        ...row('found', value('actual')),
        ...(finding.verdict === 'pass' ? [] : row('wanted', value('expected'))),
        ...(places.length === 0
          ? []
          : row('where', places.slice(0, 4).join(', ') + (places.length > 4 ? ` and ${places.length - 4} more` : ''))),
        ...(finding.cure === undefined ? [] : row('cure', finding.cure)),
        ...(finding.waiver === undefined
          ? []
          : row(
              'waived',
              `${finding.waiver.id} by ${finding.waiver.approvedBy} until ${finding.waiver.expires}: ${finding.waiver.reason}`,
            )),
      ];
    }
  }
}

function summary(report: Report, {all}: TableOptions, paint: Paint): string[] {
  const row = (name: string, counts: ReturnType<typeof countRules>): Array<string | number> => [
    name,
    counts.pass,
    counts.fail,
    counts.waived,
    counts['not-applicable'],
    counts.unknown,
    counts.error,
  ];
  const rows = report.packs.map(({name, version, rules}) => row(`${name} ${version}`, rules));
  const own = report.findings.filter(({pack}) => pack === 'reeve');
  if (own.length > 0) rows.push(row('waivers', countRules(own)));
  if (rows.length > 1) rows.push(row('all', countRules(report.findings)));
  const [header, ...body] = alignTable(['rules of', 'pass', 'fail', 'waived', 'n/a', 'unknown', 'error'], rows);
  const failing = report.findings.find(({verdict, rule}) => verdict === 'fail' && report.rules.has(rule));
  return [
    paint('bold', header as string),
    ...body,
    '',
    `${counted(report.rules.size, 'rule')} in ${(report.durationMs / 1000).toFixed(1)} s.${all ? '' : ' --all lists what passes too.'}`,
    ...(failing === undefined ? [] : [`reeve explain ${failing.rule} says why it matters and how it was looked at.`]),
    ...report.notes.map(note => `Note: ${printable(note)}`),
  ];
}
