import type {Looking} from '../collector.ts';
import {collectors} from '../index.ts';

/** The version of the first of these packages that is installed, null when none is, or why that could not be seen. */
export async function packageVersion(
  names: string | readonly string[],
  looking: Looking,
): Promise<string | {unseen: string} | null> {
  const answer = (await collectors.packages?.([{}], looking))?.[0];
  if (answer?.state !== 'seen') return {unseen: answer?.reason ?? 'reeve cannot read packages'};
  const wanted = [names].flat();
  return answer.value.packages.find(({name, installed}) => installed && wanted.includes(name))?.version ?? null;
}
