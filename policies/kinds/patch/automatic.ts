import {withoutValue} from '../../facts/answer.ts';
import type {Facts} from '../../facts/index.ts';
import {type Judgement, judged} from '../../finding.ts';
import type {PatchCheck} from '../patch.ts';

const subject = 'automatic updates';

/** Every step must hold; one that could not be told leaves it open, unless another fails. */
export function judgeAutomatic(check: PatchCheck, facts: Facts): Judgement {
  const packages = facts.get({fact: 'packages'});
  if (packages.state === 'absent') return {subject, verdict: 'none', reason: packages.reason};
  const answer = facts.get({fact: 'autoUpdates'});
  if (answer.state === 'unseen' || answer.state === 'live-only') return withoutValue(subject, answer);
  const wanted = check.automatic === true;
  if (answer.state === 'absent') {
    const apt = packages.state === 'seen' && packages.value.manager === 'dpkg';
    const cure = apt
      ? 'apt-get install unattended-upgrades && dpkg-reconfigure -f noninteractive unattended-upgrades'
      : 'dnf install dnf-automatic && systemctl enable --now dnf-automatic-install.timer';
    const compared = [{what: 'automatic', expected: wanted, actual: answer.reason, ok: !wanted}];
    return judged(subject, compared, {where: answer.where, scope: 'persistent', cure});
  }
  const {steps, mechanism} = answer.value;
  const failing = steps.filter(({ok}) => ok === false);
  const open = steps.find(({ok}) => ok === null);
  if (failing.length === 0 && open !== undefined) {
    return {subject, verdict: 'unknown', reason: `${open.what}: ${open.actual} (${open.where})`};
  }
  if (!wanted) {
    const compared = [{what: 'automatic', expected: false, actual: failing.length === 0, ok: failing.length > 0}];
    return judged(subject, compared, {where: answer.where, scope: 'persistent'});
  }
  return judged(
    subject,
    [
      {what: 'mechanism', expected: 'one that works', actual: mechanism, ok: true},
      ...steps.map(({what, expected, actual, ok}) => ({what, expected, actual, ok: ok === true})),
    ],
    {
      where: [...new Set(steps.map(({where}) => where))],
      scope: 'persistent',
      cure: failing.map(({what, expected, where}) => `${what}: ${expected} (${where})`).join('; '),
    },
  );
}
