import type {Finding, Severity} from '../../policies/finding.ts';
import {printable} from '../host/names.ts';
import {type Report, sentence, titleOf} from './report.ts';

/** OCSF 1.3 Compliance Finding events (class 2003), one JSON object a line, for log pipelines. */
export function renderOcsf(report: Report): string {
  return report.findings
    .map(finding =>
      JSON.stringify(eventOf(report, finding), (_key, value: unknown) =>
        typeof value === 'string' ? printable(value) : value,
      ),
    )
    .map(line => `${line}\n`)
    .join('');
}

const severityIds: {[severity in Severity]: number} = {info: 1, low: 2, medium: 3, high: 4, critical: 5};
const severityNames: {[severity in Severity]: string} = {
  info: 'Informational',
  low: 'Low',
  medium: 'Medium',
  high: 'High',
  critical: 'Critical',
};

/** compliance.status_id: 1 Pass, 2 Warning, 3 Fail, 0 Unknown, 99 Other. */
const statuses = {
  pass: [1, 'Pass'],
  fail: [3, 'Fail'],
  waived: [2, 'Warning'],
  unknown: [0, 'Unknown'],
  error: [99, 'Error'],
  'not-applicable': [99, 'Not applicable'],
} as const;

function eventOf(report: Report, finding: Finding): object {
  const [statusId, status] = statuses[finding.verdict];
  const rule = report.rules.get(finding.rule);
  const pack = report.packs.find(({name}) => name === finding.pack);
  return {
    class_uid: 2003,
    class_name: 'Compliance Finding',
    category_uid: 2,
    category_name: 'Findings',
    activity_id: 1,
    activity_name: 'Create',
    type_uid: 200301,
    time: Date.parse(finding.observedAt),
    severity_id: severityIds[finding.severity],
    severity: severityNames[finding.severity],
    status_id: finding.verdict === 'waived' ? 3 : 1,
    status: finding.verdict === 'waived' ? 'Suppressed' : 'New',
    message: `${finding.subject}: ${sentence(finding)}`,
    metadata: {
      version: '1.3.0',
      product: {name: 'reeve', vendor_name: 'reeve', version: report.reeve},
      profiles: ['host'],
    },
    finding_info: {
      uid: `${finding.rule}:${finding.subject}`,
      title: titleOf(report, finding),
      ...(rule === undefined ? {} : {desc: rule.why}),
      created_time: Date.parse(finding.observedAt),
    },
    compliance: {
      control: finding.rule,
      standards: [pack === undefined ? finding.pack : `${pack.name} ${pack.version}`],
      requirements: Object.entries(rule?.refs ?? {}).flatMap(([scheme, ids]) => ids.map(id => `${scheme} ${id}`)),
      status,
      status_id: statusId,
      status_detail: sentence(finding),
    },
    device: {
      hostname: report.host.name,
      type_id: 1,
      type: 'Server',
      os: {name: report.host.os, type: 'Linux', type_id: 200},
    },
    ...('cure' in finding && finding.cure !== undefined ? {remediation: {desc: finding.cure}} : {}),
    unmapped: {
      verdict: finding.verdict,
      pack: finding.pack,
      cost_ms: finding.costMs,
      ...('actual' in finding
        ? {actual: finding.actual, expected: finding.expected, where: finding.where, scope: finding.scope}
        : {}),
    },
  };
}
