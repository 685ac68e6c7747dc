import {verdicts} from '../../policies/finding.ts';
import {ReeveError} from '../errors.ts';
import {printable} from '../host/names.ts';
import {askAgentOnce} from '../ipc/client.ts';
import type {AgentStatus} from '../ipc/control-messages.ts';
import {counted, labelled, span} from '../report/text.ts';
import {type ExitStatus, exitStatus, type Io} from './io.ts';
import {agentSocketOf, type PlaceOptions} from './places.ts';

/** `reeve status`: how the agent of this host is, and its connection. 0 all well, 1 something is wrong, 3 not running. */
export async function status(options: PlaceOptions & {json?: boolean}, io: Io): Promise<ExitStatus> {
  let answer: AgentStatus;
  try {
    ({status: answer} = await askAgentOnce(agentSocketOf(options, io), {verb: 'status'}));
  } catch (error) {
    if (!(error instanceof ReeveError) || error.code !== 'REEVE_AGENT_UNREACHABLE') throw error;
    if (options.json) io.out(`${JSON.stringify({state: 'not running', reason: printable(error.message)}, null, 2)}\n`);
    else {
      io.err(`reeve: error: ${printable(error.message)} [${error.code}]\n`);
      io.err('reeve: hint: reeve up starts an agent with a controller; --run DIR names the folder of its sockets\n');
    }
    return exitStatus.unknown;
  }
  const problems = problemsOf(answer);
  if (options.json) {
    const safe = (_key: string, value: unknown) => (typeof value === 'string' ? printable(value) : value);
    io.out(`${JSON.stringify({state: 'running', ...answer, problems}, safe, 2)}\n`);
  } else io.out(`${statusLines(answer, problems, {columns: io.columns, now: Date.now()}).join('\n')}\n`);
  return problems.length === 0 ? exitStatus.ok : exitStatus.fail;
}

/** What a person should look after, each with what to do. */
export function problemsOf({refused, packs, enrolment, link, watched}: AgentStatus): string[] {
  return [
    ...(refused === null
      ? []
      : [
          `${refused.message} [${refused.code}]: ${packs.length === 0 ? 'nothing is judged' : 'the packs before are in force'}; ${
            refused.code === 'REEVE_LOAD_FAILED' ? 'it is tried again' : 'reeve config check names each problem'
          }`,
          ...refused.problems,
        ]),
    ...(watched.problem === null ? [] : [`not all paths are watched: ${watched.problem}`]),
    ...(link === null ? ['no link is running: findings are kept here and travel when it is back'] : []),
    ...(link === null || enrolment === null || link.connected || link.problem === null
      ? []
      : [`not connected: ${link.problem.message} [${link.problem.code}]; reeve doctor looks for the cause`]),
  ];
}

/** The same for a reader. */
export function statusLines(
  answer: AgentStatus,
  problems: string[],
  {columns, now}: {columns: number; now: number},
): string[] {
  const row = (label: string, text: string) => labelled(label, printable(text), {indent: 0, labelWidth: 12, columns});
  const ago = (time: string) => `${span(now - Date.parse(time))} ago`;
  const until = (time: string) => (Date.parse(time) <= now ? 'now' : `in ${span(Date.parse(time) - now)}`);
  const {packs, watched, counts, stream, link, enrolment} = answer;
  const found = verdicts.filter(verdict => (counts[verdict] ?? 0) > 0).map(verdict => `${counts[verdict]} ${verdict}`);
  return [
    ...row('agent', `${answer.hostname}, reeve ${answer.reeve}, pid ${answer.pid}, started ${ago(answer.startedAt)}`),
    ...row('findings', found.length === 0 ? 'none yet' : found.join(', ')),
    ...packs.flatMap((pack, index) =>
      row(
        index === 0 ? 'packs' : '',
        [
          `${pack.name} ${pack.version}, ${counted(pack.rules, 'rule')}`,
          pack.checkedAt === null
            ? 'not judged yet'
            : `judged ${ago(pack.checkedAt)}${pack.durationMs === null ? '' : ` in ${(pack.durationMs / 1000).toFixed(1)} s`}`,
          ...(pack.nextAt === null ? [] : [`next ${until(pack.nextAt)}`]),
        ].join(', '),
      ),
    ),
    ...(answer.running === null ? [] : row('now', answer.running)),
    ...row('watched', `${counted(watched.paths, 'path')} for ${counted(watched.rules, 'rule')}`),
    ...row(
      'controller',
      enrolment === null ? 'none: reeve enroll takes a ticket of one' : `${enrolment.url}, as ${enrolment.agent}`,
    ),
    ...(link === null ? [] : row('link', linkText(link, enrolment !== null, {ago, until}))),
    ...row('report', reportText(stream, link)),
    ...problems.flatMap((problem, index) => row(index === 0 ? 'problems' : '', problem)),
  ];
}

type Link = NonNullable<AgentStatus['link']>;

function linkText(
  link: Link,
  enrolled: boolean,
  {ago, until}: {ago: (time: string) => string; until: (time: string) => string},
): string {
  const skew =
    link.clockSkewMs === null || Math.abs(link.clockSkewMs) < 2000
      ? ''
      : `, clock ${span(Math.abs(link.clockSkewMs))} ${link.clockSkewMs > 0 ? 'ahead' : 'behind'}`;
  const degraded = link.degraded ? ', not bound to the connection, since a proxy ends TLS' : '';
  if (link.connected) return `connected since ${ago(link.since)}${skew}${degraded}`;
  if (!enrolled) return 'running, with nobody to report to';
  return `not connected since ${ago(link.since)}${link.nextTryAt === null ? '' : `, next try ${until(link.nextTryAt)}`}${skew}`;
}

function reportText(stream: AgentStatus['stream'], link: AgentStatus['link']): string {
  const acknowledged = link?.acknowledged ?? null;
  const done =
    acknowledged === null || acknowledged.epoch !== stream.at.epoch
      ? `nothing of ${stream.at.n} acknowledged`
      : `${acknowledged.n} of ${stream.at.n} acknowledged`;
  const spool =
    link === null || link.spool.batches === 0 ? '' : `, spool holds ${counted(link.spool.batches, 'report')}`;
  return `${done}${stream.waiting === 0 ? '' : `, ${stream.waiting} not taken by the link`}${spool}`;
}
