import type {Finding} from '../../policies/finding.ts';
import type {Json} from '../../policies/json.ts';
import type {Rule} from '../../policies/pack.ts';
import {printable} from '../host/names.ts';
import {type Report, sentence, titleOf} from './report.ts';

/** SARIF 2.1.0 (OASIS). Passes are results of kind `pass`, waivers are accepted suppressions, unknown is `review`. */
export function renderSarif(report: Report): string {
  const rules = [...new Set(report.findings.map(({rule}) => rule))];
  const run = {
    tool: {driver: {name: 'reeve', version: report.reeve, rules: rules.map(id => ruleOf(report, id))}},
    automationDetails: {id: `reeve/${report.host.name}/${report.startedAt}`},
    invocations: [{executionSuccessful: true, startTimeUtc: report.startedAt}],
    results: report.findings.map(finding => resultOf(finding, rules.indexOf(finding.rule))),
  };
  const document = {$schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0', runs: [run]};
  return `${JSON.stringify(document, (_key, value: unknown) => (typeof value === 'string' ? printable(value) : value), 2)}\n`;
}

function ruleOf(report: Report, id: string): Json {
  const rule: Rule | undefined = report.rules.get(id);
  const finding = report.findings.find(candidate => candidate.rule === id) as Finding;
  return {
    id,
    shortDescription: {text: titleOf(report, finding)},
    ...(rule === undefined ? {} : {fullDescription: {text: rule.why}}),
    defaultConfiguration: {level: levelOf(finding)},
    properties: {severity: finding.severity, pack: finding.pack, ...(rule === undefined ? {} : {refs: rule.refs})},
  };
}

const levelOf = ({severity}: Finding) =>
  severity === 'critical' || severity === 'high' ? 'error' : severity === 'medium' ? 'warning' : 'note';

const kinds = {
  pass: 'pass',
  fail: 'fail',
  waived: 'fail',
  'not-applicable': 'notApplicable',
  unknown: 'review',
  error: 'review',
} as const;

function resultOf(finding: Finding, ruleIndex: number): Json {
  const kind = kinds[finding.verdict];
  const waiver = finding.verdict === 'waived' ? finding.waiver : undefined;
  return {
    ruleId: finding.rule,
    ruleIndex,
    kind,
    level: kind === 'fail' ? levelOf(finding) : 'none',
    message: {text: `${finding.subject}: ${sentence(finding)}`},
    locations: placesOf(finding).map(place => locationOf(place)),
    partialFingerprints: {'reeve/v1': `${finding.rule}:${finding.subject}`},
    ...(waiver === undefined
      ? {}
      : {
          suppressions: [
            {
              kind: 'external',
              status: 'accepted',
              justification: `${waiver.id}, ${waiver.approvedBy}, until ${waiver.expires}: ${waiver.reason}`,
            },
          ],
        }),
  };
}

const placesOf = (finding: Finding) =>
  ('where' in finding ? finding.where : []).filter(place => place.startsWith('/')).slice(0, 10);

function locationOf(place: string): Json {
  const match = /^(.*?)(?::(\d+))?$/s.exec(place);
  const uri = `file://${encodeURI((match?.[1] ?? place).toWellFormed())}`;
  const line = match?.[2] === undefined ? 0 : Number(match[2]);
  return {physicalLocation: {artifactLocation: {uri}, ...(line > 0 ? {region: {startLine: line}} : {})}};
}
