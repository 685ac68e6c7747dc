import type {Finding, Verdict} from '../../policies/finding.ts';
import {printable} from '../host/names.ts';
import {type Report, sentence, titleOf} from './report.ts';

/** GitHub-flavoured Markdown for tickets and wikis: counts, then a table of all that is not a pass. */
export function renderMarkdown(report: Report): string {
  const lines = [
    `# ${escapeMarkdown(report.host.name)}: ${escapeMarkdown(report.host.os)}`,
    '',
    `Checked ${report.startedAt} by reeve ${report.reeve}.`,
    '',
  ];
  lines.push('| rules of | pass | fail | waived | n/a | unknown | error |', '|---|--:|--:|--:|--:|--:|--:|');
  for (const {name, version, rules} of report.packs) {
    lines.push(
      `| ${escapeMarkdown(name)} ${version} | ${rules.pass} | ${rules.fail} | ${rules.waived} | ${rules['not-applicable']} | ${rules.unknown} | ${rules.error} |`,
    );
  }
  const sections: Array<[Verdict, string]> = [
    ['error', 'Errors'],
    ['fail', 'Failing'],
    ['unknown', 'Not known'],
    ['waived', 'Waived'],
  ];
  for (const [verdict, title] of sections) {
    const findings = report.findings.filter(finding => finding.verdict === verdict);
    if (findings.length > 0)
      lines.push(
        '',
        `## ${title}`,
        '',
        '| severity | rule | subject | found | cure |',
        '|---|---|---|---|---|',
        ...findings.map(finding => row(report, finding)),
      );
  }
  return `${[...lines, ...report.notes.map(note => `\n${escapeMarkdown(note)}`)].join('\n')}\n`;
}

function row(report: Report, finding: Finding): string {
  const cure = 'cure' in finding && finding.cure !== undefined ? finding.cure : '';
  return `| ${[finding.severity, `**${escapeMarkdown(finding.rule)}** ${escapeMarkdown(titleOf(report, finding))}`, escapeMarkdown(finding.subject), escapeMarkdown(sentence(finding)), escapeMarkdown(cure)].join(' | ')} |`;
}

/** Nothing that came from a host may act as markup: not as a table cell, link, image or HTML. */
function escapeMarkdown(text: string): string {
  return printable(text).replace(/[\\`*_{}[\]<>()#+!|~&]/g, character =>
    character === '<' ? '&lt;' : character === '>' ? '&gt;' : character === '&' ? '&amp;' : `\\${character}`,
  );
}
