import {applyWaivers, type WaiverStatus} from '../../policies/waive.ts';
import {checkHost} from '../check.ts';
import {printable} from '../host/names.ts';
import {alignTable, labelled} from '../report/text.ts';
import {type ExitStatus, exitStatus, type Io} from './io.ts';
import {type SelectionOptions, selectRules} from './selection.ts';

/** `reeve waivers`: each waiver and what became of it on this host now. Only the waived rules are judged. */
export async function listWaivers(options: SelectionOptions & {json?: boolean}, io: Io): Promise<ExitStatus> {
  const {known, rules, waivers, notes, program, config} = await selectRules(options);
  const judged = rules.filter(rule => waivers.some(waiver => waiver.rule === rule.id));
  const host = io.openHost('/');
  const findings = await checkHost(host, judged, {
    progress: io.progress,
    site: {program, directory: config.policies_dir},
  });
  io.progress(null);
  const {statuses} = applyWaivers(findings, waivers, {
    now: host.now(),
    hostname: io.hostname,
    known,
    checked: new Set(judged.map(({id}) => id)),
  });
  io.out(options.json ? `${JSON.stringify(statuses, null, 2)}\n` : renderWaivers(statuses, io.columns));
  for (const note of notes) io.err(`reeve: hint: ${printable(note)}\n`);
  return statuses.some(({state}) => state === 'expired' || state === 'orphaned') ? exitStatus.fail : exitStatus.ok;
}

function renderWaivers(statuses: WaiverStatus[], columns: number): string {
  if (statuses.length === 0) return 'No waivers. docs/waivers.md says how to write one.\n';
  const head = alignTable(
    ['id', 'state', 'rule', 'expires'],
    statuses.map(({waiver, state}) => [printable(waiver.id), state, printable(waiver.rule), waiver.expires]),
  );
  const lines = [head[0] as string];
  for (const [index, {waiver, reason}] of statuses.entries()) {
    const row = (label: string, text: string) => labelled(label, printable(text), {indent: 4, labelWidth: 10, columns});
    lines.push(head[index + 1] as string);
    lines.push(...row('now', reason), ...row('subject', waiver.subject ?? 'every subject of the rule'));
    lines.push(
      ...row('reason', waiver.reason),
      ...row('owner', `${waiver.owner}, approved by ${waiver.approvedBy}`),
      ...row('where', waiver.where),
    );
  }
  return `${lines.join('\n')}\n`;
}
