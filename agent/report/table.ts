import {type Finding, severities, type Verdict} from '../../policies/finding.ts';
import {type Counts, countRules, heaviest} from '../../policies/summary.ts';
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
  const words = {
    title: (finding: Finding) => titleOf(report, finding),
    rest: (rule: string) => `reeve check --rule ${rule} --format json`,
  };
  const sections = findingSections(report.findings, words, options);
  return `${[heading(report, paint), '', ...sections, ...summary(report, options, paint)].join('\n')}\n`;
}

/** What stands beside findings: the titles of their rules, and the command that lists those of a rule that were cut. */
export type Words = {title: (finding: Finding) => string; rest: (rule: string) => string};

/** The findings of one host as lines, a section a verdict, the gravest last, where a terminal shows it. */
export function findingSections(findings: readonly Finding[], words: Words, options: TableOptions): string[] {
  const paint = painter(options.colour);
  const groups = [...Map.groupBy(findings, finding => `${finding.pack}\0${finding.rule}`).values()];
  const verdictsShown: Verdict[] = options.all ? [...shownVerdicts, 'pass', 'not-applicable'] : shownVerdicts;
  const lines: string[] = [];
  for (const verdict of verdictsShown.toReversed()) {
    const chosen = groups.filter(group => heaviest(group) === verdict).sort(bySeverity);
    if (chosen.length === 0) continue;
    lines.push(paint('bold', `${sectionTitles[verdict]} (${chosen.length})`), '');
    for (const group of chosen) lines.push(...ruleLines(group, verdict, words, options, paint), '');
  }
  return lines;
}

const sectionTitles: {[verdict in Verdict]: string} = {
  error: 'Errors',
  fail: 'Failing',
  unknown: 'Not known',
  waived: 'Waived',
  pass: 'Passing',
  'not-applicable': 'Not applicable',
};

export const verdictStyle = {
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

function ruleLines(group: Finding[], verdict: Verdict, words: Words, {columns}: TableOptions, paint: Paint): string[] {
  const first = group[0] as Finding;
  const tag = `${verdict === 'not-applicable' ? 'n/a' : verdict}`.toUpperCase().padEnd(7);
  const lines = [`${paint(verdictStyle[verdict], tag)} ${first.severity.padEnd(8)} ${paint('bold', first.rule)}`];
  lines.push(...wrap(words.title(first), columns - 8).map(line => `        ${line}`));
  const matching = group.filter(finding => finding.verdict === verdict);
  for (const finding of matching.slice(0, subjectsShown)) lines.push(...findingLines(finding, columns));
  const more = matching.length - subjectsShown;
  if (more > 0) lines.push(`        and ${more} more: ${words.rest(first.rule)}`);
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
  const rows: CountedRow[] = report.packs.map(({name, version, rules}) => ({name: `${name} ${version}`, rules}));
  const own = report.findings.filter(({pack}) => pack === 'reeve');
  if (own.length > 0) rows.push({name: 'waivers', rules: countRules(own)});
  if (rows.length > 1) rows.push({name: 'all', rules: countRules(report.findings)});
  const failing = report.findings.find(({verdict, rule}) => verdict === 'fail' && report.rules.has(rule));
  return [
    ...countLines(rows, paint),
    '',
    `${counted(report.rules.size, 'rule')} in ${(report.durationMs / 1000).toFixed(1)} s.${all ? '' : ' --all lists what passes too.'}`,
    ...(failing === undefined ? [] : [`reeve explain ${failing.rule} says why it matters and how it was looked at.`]),
    ...report.notes.map(note => `Note: ${printable(note)}`),
  ];
}

export type CountedRow = {name: string; rules: Counts};

/** How many rules came to which verdict, a line a row. */
export function countLines(rows: CountedRow[], paint: Paint): string[] {
  const [header, ...body] = alignTable(
    ['rules of', 'pass', 'fail', 'waived', 'n/a', 'unknown', 'error'],
    rows.map(({name, rules}) => [
      printable(name),
      rules.pass,
      rules.fail,
      rules.waived,
      rules['not-applicable'],
      rules.unknown,
      rules.error,
    ]),
  );
  return [paint('bold', header as string), ...body];
}
