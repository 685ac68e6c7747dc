import type {Finding} from '../../policies/finding.ts';
import {heaviest} from '../../policies/summary.ts';
import {printable} from '../host/names.ts';
import {type Report, sentence, titleOf} from './report.ts';

/** JUnit XML as CI servers read it: a suite a pack, a case a rule; unknown is an error, not-applicable and waived are skipped. */
export function renderJunit(report: Report): string {
  const groups = [...Map.groupBy(report.findings, finding => `${finding.pack}\0${finding.rule}`).values()];
  const suites = [...Map.groupBy(groups, group => (group[0] as Finding).pack)].map(([pack, rules]) => {
    const count = (...wanted: string[]) => rules.filter(group => wanted.includes(heaviest(group) ?? '')).length;
    const head = `<testsuite name="${escapeXml(pack)}" tests="${rules.length}" failures="${count('fail')}" errors="${count('error', 'unknown')}" skipped="${count('waived', 'not-applicable')}" timestamp="${report.startedAt}" hostname="${escapeXml(report.host.name)}">`;
    return [head, ...rules.map(group => testCase(report, group)), '</testsuite>'].join('\n');
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="reeve">\n${suites.join('\n')}\n</testsuites>\n`;
}

function testCase(report: Report, group: Finding[]): string {
  const first = group[0] as Finding;
  const verdict = heaviest(group);
  const seconds = group.reduce((sum, {costMs}) => sum + costMs, 0) / 1000;
  const head = `<testcase classname="${escapeXml(first.pack)}" name="${escapeXml(`${first.rule}: ${titleOf(report, first)}`)}" time="${seconds.toFixed(3)}"`;
  const text = group
    .filter(finding => finding.verdict === verdict)
    .map(finding => `${finding.subject}: ${sentence(finding)}`)
    .join('\n');
  switch (verdict) {
    case 'fail':
      return `${head}>\n<failure type="${first.severity}" message="${escapeXml(firstLine(text))}">${escapeXml(text)}</failure>\n</testcase>`;
    case 'error':
    case 'unknown':
      return `${head}>\n<error type="${verdict}" message="${escapeXml(firstLine(text))}">${escapeXml(text)}</error>\n</testcase>`;
    case 'pass':
      return `${head}/>`;
    default:
      return `${head}>\n<skipped message="${escapeXml(`${verdict}: ${firstLine(text)}`)}"/>\n</testcase>`;
  }
}

const firstLine = (text: string) => text.split('\n')[0] as string;

/** XML 1.0 allows no control characters even escaped, so they are made printable first; line breaks stay. */
function escapeXml(text: string): string {
  const safe = text.split('\n').map(printable).join('\n');
  return safe
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;');
}
