import type {Finding} from '../../policies/finding.ts';
import type {Rule} from '../../policies/pack.ts';
import {applyWaivers, type WaiverStatus} from '../../policies/waive.ts';
import {judgeApart, judgeHost} from '../check.ts';
import {ReeveError} from '../errors.ts';
import type {Host} from '../host/host.ts';
import {readBundle, type SiteBundle} from './bundle.ts';
import type {CheckerEvent, CheckerJob, WaiversEvent} from './messages.ts';

/** Judges the rules that a job names and tells each finding as it comes. Throws `REEVE_BUNDLE_UNUSABLE`. */
export async function judge(
  host: Host,
  {reeve, hostname}: {reeve: string; hostname: string},
  job: Extract<CheckerJob, {job: 'check'}>,
  tell: (event: CheckerEvent) => void,
): Promise<void> {
  const started = host.clock();
  const read = await readBundle(host, job.bundle, reeve);
  if (!read.ok) throw new ReeveError('REEVE_BUNDLE_UNUSABLE', read.reason);
  const {config, packs, waivers} = read.site;
  const rules = selectRules(read.site, job);
  const options = {
    site: {program: host, directory: config.policies_dir},
    onLook: (what: string, ids: string[]) => tell({event: 'looking', what, rules: ids}),
  };
  const judged: Finding[] = [];
  const context = {
    now: host.now(),
    hostname,
    known: new Set(packs.flatMap(pack => pack.rules.map(({id}) => id))),
    checked: new Set(rules.map(({id}) => id)),
  };
  for await (const {found} of (job.apart ? judgeApart : judgeHost)(host, rules, options)) {
    judged.push(...found);
    for (const finding of applyWaivers(found, waivers, context).findings.slice(0, found.length)) {
      tell({event: 'finding', finding});
    }
  }
  tell(waiversEvent(applyWaivers(judged, waivers, context)));
  tell({event: 'done', durationMs: host.clock() - started});
}

function selectRules({packs}: SiteBundle, job: Extract<CheckerJob, {job: 'check'}>): Rule[] {
  const of = job.packs === null ? packs : packs.filter(({name}) => job.packs?.includes(name));
  const all = of.flatMap(({rules}) => rules);
  if (job.rules === null) return all;
  const wanted = new Set(job.rules);
  return all.filter(({id}) => wanted.has(id));
}

/** A waiver's own finding is known when its rule was judged, or when nothing that a rule finds could change it. */
function waiversEvent({findings, statuses}: {findings: Finding[]; statuses: WaiverStatus[]}): WaiversEvent {
  const own = new Map(findings.filter(({pack}) => pack === 'reeve').map(finding => [finding.subject, finding]));
  return {
    event: 'waivers',
    waivers: statuses.map(({waiver: {id}, state}) => ({
      id,
      own: state === 'not-checked' ? 'unknown' : (own.get(`waiver ${id}`) ?? null),
    })),
  };
}
