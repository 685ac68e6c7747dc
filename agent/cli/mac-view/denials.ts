import type {Answer} from '../../../policies/facts/answer.ts';
import type {DenialGroup, DenialsFact} from '../../../policies/facts/denials.ts';
import {row} from './rows.ts';

const maxGroups = 40;
const maxExample = 240;

export function denialLines(answer: Answer<DenialsFact>): string[] {
  if (answer.state === 'unseen') return row('unknown', answer.reason);
  if (answer.state !== 'seen') return row('none', answer.reason);
  const {sources, groups, total, lowerBound, since} = answer.value;
  const refused = groups.filter(({mode}) => mode === 'enforced').reduce((sum, {count}) => sum + count, 0);
  const atLeast = lowerBound.length > 0 ? 'at least ' : '';
  return [
    ...row(
      'count',
      `${atLeast}${refused} refused, ${atLeast}${total - refused} only logged since ${since} [${sources.join(', ')}]`,
    ),
    ...lowerBound.flatMap(reason => row('unknown', `there may have been more: ${reason}`)),
    ...groups.slice(0, maxGroups).flatMap(groupLines),
    ...(groups.length > maxGroups ? row('', `and ${groups.length - maxGroups} more kinds of denial`) : []),
  ];
}

function groupLines({
  lsm,
  subject,
  operation,
  class: objectClass,
  target,
  mode,
  count,
  first,
  last,
  example,
}: DenialGroup): string[] {
  const what = [subject, operation, objectClass, target].filter(part => part !== '').join(' ');
  const when = first === last ? last : `${first} to ${last}`;
  return [
    ...row(
      `${count} ×`,
      `${lsm === 'selinux' ? 'SELinux' : 'AppArmor'} ${mode === 'enforced' ? 'refused' : 'logged'} ${what}, ${when}`,
    ),
    ...row('', example.length > maxExample ? `${example.slice(0, maxExample)}…` : example),
  ];
}
