import type {FindingInfo} from '../../controller/protocol/api.ts';
import {type Severity, severities, type Verdict, verdicts} from '../../policies/finding.ts';
import {ReeveError} from '../errors.ts';
import {printable} from '../host/names.ts';
import {askAgent} from '../ipc/client.ts';
import type {LocalFinding} from '../ipc/control-messages.ts';
import {packLines, storedSections} from '../report/stored.ts';
import {findingSections, type Words} from '../report/table.ts';
import {counted, painter} from '../report/text.ts';
import {fromWire} from '../report/wire.ts';
import {allFindings} from './controller/pages.ts';
import {type ExitStatus, exitStatus, type Io} from './io.ts';
import {agentSocketOf, type ControllerOptions, controllerOf} from './places.ts';

export type FindingsOptions = ControllerOptions & {
  host?: string[];
  pack?: string[];
  rule?: string[];
  verdict?: string[];
  severity?: string[];
  all?: boolean;
  json?: boolean;
};
type Chosen = FindingsOptions & {verdicts: Verdict[] | undefined; severities: Severity[] | undefined};

const notable: Verdict[] = ['error', 'fail', 'unknown', 'waived'];

/** `reeve findings`: what the running agent, or a controller, knows now. Looks at nothing itself. */
export async function findings(options: FindingsOptions, io: Io): Promise<ExitStatus> {
  const chosen = {
    ...options,
    verdicts: among(options.verdict, verdicts, 'verdict'),
    severities: among(options.severity, severities, 'severity'),
  };
  return options.controller !== undefined || options.host !== undefined
    ? ofController(chosen, io)
    : ofAgent(chosen, io);
}

function among<T extends string>(values: string[] | undefined, known: readonly T[], what: string): T[] | undefined {
  const wrong = values?.find(value => !known.includes(value as T));
  if (wrong === undefined) return values as T[] | undefined;
  throw new ReeveError('REEVE_USAGE', `"${wrong}" is no ${what}: one of ${known.join(', ')} is wanted`);
}

async function ofAgent(options: Chosen, io: Io): Promise<ExitStatus> {
  const {pack, rule, verdicts: wanted, severities: grave} = options;
  const request = {
    verb: 'findings' as const,
    ...(pack === undefined ? {} : {packs: pack}),
    ...(rule === undefined ? {} : {rules: rule}),
    ...(wanted === undefined ? {} : {verdicts: wanted}),
    ...(grave === undefined ? {} : {severities: grave}),
  };
  const found: LocalFinding[] = [];
  for await (const page of askAgent(agentSocketOf(options, io), request)) found.push(...page.findings);
  if (options.json) {
    printJson({host: io.hostname, findings: found}, io);
    return statusOf(found.map(({finding}) => finding.verdict));
  }
  const shown = found.map(({finding, observedAt}) => fromWire(finding, observedAt));
  const titles = new Map(found.map(({finding, title}) => [finding.rule, title]));
  const words: Words = {
    title: ({rule: id}) => printable(titles.get(id) ?? id),
    rest: id => `reeve findings --rule ${id} --json`,
  };
  const all = options.all === true || wanted !== undefined;
  const sections = findingSections(shown, words, {columns: io.columns, colour: io.colour, all});
  io.out(`${[...sections, ...(shown.length === 0 ? ['No findings.'] : packLines(shown, io))].join('\n')}\n`);
  return statusOf(shown.map(finding => finding.verdict));
}

async function ofController(options: Chosen, io: Io): Promise<ExitStatus> {
  const {host, pack, rule, verdicts: wanted, severities: severity, all = false, json = false} = options;
  const controller = await controllerOf(options, io);
  const filters = {host, pack, rule, severity, verdict: wanted ?? (all || json ? undefined : notable)};
  const found: FindingInfo[] = [];
  for await (const finding of allFindings(controller, filters)) found.push(finding);
  if (json) printJson({findings: found}, io);
  else io.out(`${hostLines(found, {all: all || wanted !== undefined}, io).join('\n')}\n`);
  return statusOf(found.map(({finding}) => finding.verdict));
}

function hostLines(found: FindingInfo[], {all}: {all: boolean}, io: Io): string[] {
  const hosts = [...Map.groupBy(found, ({host}) => host).values()];
  const lines = hosts.flatMap(group => {
    const {host, hostName} = group[0] as FindingInfo;
    const rest = (rule: string) => `reeve findings --host ${host} --rule ${rule} --json`;
    return [
      painter(io.colour)('bold', `${printable(hostName)}, ${host}`),
      '',
      ...storedSections(group, rest, {columns: io.columns, colour: io.colour, all}),
    ];
  });
  return [...lines, `${counted(found.length, 'finding')} on ${counted(hosts.length, 'host')}.`];
}

function printJson(value: unknown, io: Io): void {
  const safe = (_key: string, member: unknown) => (typeof member === 'string' ? printable(member) : member);
  io.out(`${JSON.stringify(value, safe, 2)}\n`);
}

function statusOf(found: Verdict[]): ExitStatus {
  if (found.includes('fail')) return exitStatus.fail;
  return found.includes('unknown') || found.includes('error') ? exitStatus.unknown : exitStatus.ok;
}
