import {withoutValue} from '../../facts/answer.ts';
import type {Facts} from '../../facts/index.ts';
import {type Judgement, judged} from '../../finding.ts';

/** One finding a repository or setting that lets unsigned packages in; repositories that are off are left out. */
export function judgeSources(facts: Facts): Judgement[] {
  const subject = 'repositories';
  const answer = facts.get({fact: 'repositories'});
  if (answer.state === 'unseen' || answer.state === 'live-only') return [withoutValue(subject, answer)];
  if (answer.state === 'absent') return [{subject, verdict: 'not-applicable', reason: answer.reason}];
  const {repositories, settings} = answer.value;
  const expected = 'signatures demanded';
  const weak = repositories.filter(({enabled, unsigned}) => enabled && unsigned.length > 0);
  const failing = [
    ...settings.map(({what, where}) => ({subject: what, actual: what, where, cure: `remove ${what} at ${where}`})),
    ...weak.map(({name, unsigned, where}) => ({
      subject: name,
      actual: unsigned.join(', '),
      where,
      cure: `at ${where} take ${unsigned.join(', ')} away${answer.value.manager === 'dnf' ? ' and set gpgcheck=1' : ''}`,
    })),
  ];
  if (failing.length > 0) {
    return failing.map(({subject: what, actual, where, cure}) =>
      judged(what, [{what: 'signatures', expected, actual, ok: false}], {where: [where], scope: 'persistent', cure}),
    );
  }
  const count = repositories.filter(({enabled}) => enabled).length;
  const compared = [{what: 'signatures', expected, actual: `demanded by all ${count} repositories`, ok: true}];
  return [judged(subject, compared, {where: answer.where, scope: 'persistent'})];
}
