import {type Finding, type Severity, severities} from '../../policies/finding.ts';
import {applyWaivers} from '../../policies/waive.ts';
import {checkHost} from '../check.ts';
import {ReeveError} from '../errors.ts';
import {collectOs} from '../host/facts/os.ts';
import {HostTables} from '../host/facts/tables.ts';
import type {Host} from '../host/host.ts';
import {formats} from '../report/index.ts';
import {packCounts, type Report} from '../report/report.ts';
import {type ExitStatus, exitStatus, type Io} from './io.ts';
import {parseSeverity, type SelectionOptions, selectRules} from './selection.ts';

export type CheckOptions = SelectionOptions & {
  root: string;
  format: string;
  json?: boolean;
  failOn: string;
  all?: boolean;
};

/** `reeve check`: looks, judges, prints. */
export async function check(options: CheckOptions, io: Io): Promise<ExitStatus> {
  const failOn = parseSeverity(options.failOn);
  const render = formats[options.json ? 'json' : options.format];
  if (render === undefined)
    throw new ReeveError(
      'REEVE_USAGE',
      `"${options.format}" is no format: one of ${Object.keys(formats).join(', ')} is wanted`,
    );
  const host = io.openHost(options.root);
  const report = await checkReport(host, options, io);
  io.out(render(report, {columns: io.columns, colour: io.colour, all: options.all ?? false}));
  return statusOf(report.findings, failOn);
}

async function checkReport(host: Host, options: SelectionOptions, io: Io): Promise<Report> {
  const startedAt = host.now();
  const started = host.clock();
  const {packs, known, rules, waivers, notes, program, config} = await selectRules(options);
  const judged = await checkHost(host, rules, {progress: io.progress, site: {program, directory: config.policies_dir}});
  io.progress(null);
  const {findings} = applyWaivers(judged, waivers, {
    now: startedAt,
    hostname: io.hostname,
    known,
    checked: new Set(rules.map(({id}) => id)),
  });
  return {
    schema: 'reeve.report/1',
    reeve: io.version,
    host: {
      name: host.live ? io.hostname : await imageName(host),
      os: await osName(host),
      root: host.root,
      live: host.live,
      privileged: host.uid === 0,
    },
    startedAt: new Date(startedAt).toISOString(),
    durationMs: Math.round(host.clock() - started),
    packs: packCounts(packs, rules, findings),
    rules: new Map(rules.map(rule => [rule.id, rule])),
    findings,
    notes,
  };
}

/** What an image calls itself, else where it lies. */
async function imageName(host: Host): Promise<string> {
  const file = await host.fs.readFile('/etc/hostname', {maxBytes: 256});
  return (file.ok ? file.value.bytes.toString('utf8').trim() : '') || host.root;
}

async function osName(host: Host): Promise<string> {
  const [answer] = await collectOs([{}], {host, tables: new HostTables(host)});
  return answer?.state === 'seen' ? answer.value.prettyName : 'unknown system';
}

/** A failure at or above the severity outweighs what could not be seen. */
function statusOf(findings: Finding[], failOn: Severity): ExitStatus {
  const counts = (severity: Severity) => severities.indexOf(severity) >= severities.indexOf(failOn);
  if (findings.some(finding => finding.verdict === 'fail' && counts(finding.severity))) return exitStatus.fail;
  return findings.some(({verdict}) => verdict === 'unknown' || verdict === 'error')
    ? exitStatus.unknown
    : exitStatus.ok;
}
