import type {Facts} from '../../facts/index.ts';
import type {Comparison} from '../../finding.ts';

const maxShown = 20;

/** Whether a package's files are as its database says. Files that could not be read leave it open, unless others differ. */
export function judgeFiles(
  name: string,
  wanted: boolean,
  facts: Facts,
): {comparison: Comparison} | {verdict: 'unknown' | 'not-applicable'; reason: string} {
  const answer = facts.get({fact: 'packageFiles', package: name});
  if (answer.state === 'live-only') return {verdict: 'not-applicable', reason: answer.reason};
  if (answer.state !== 'seen') return {verdict: 'unknown', reason: answer.reason};
  const {changed, unreadable, checked} = answer.value;
  if (changed.length === 0 && unreadable.length > 0) {
    const [first] = unreadable;
    const others = unreadable.length > 1 ? `, and ${unreadable.length - 1} more files` : '';
    return {verdict: 'unknown', reason: `${first?.reason}${others}`};
  }
  const shown = changed
    .slice(0, maxShown)
    .map(({path, what, expected, actual}) => `${path}: ${what} ${actual}, was ${expected}`);
  const more = changed.length - shown.length;
  return {
    comparison: {
      what: 'files',
      expected: wanted ? 'as the package database says' : 'other than the package database says',
      actual: changed.length === 0 ? `all ${checked} as shipped` : [...shown, ...(more > 0 ? [`${more} more`] : [])],
      ok: (changed.length === 0) === wanted,
    },
  };
}
