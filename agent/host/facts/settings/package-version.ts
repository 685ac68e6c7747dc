import type {Looking} from '../collector.ts';
import {lookUpPackages} from '../packages.ts';

/** The version of the first of these packages that is installed, null when none is, or why that could not be seen. */
export async function packageVersion(
  names: string | readonly string[],
  looking: Looking,
): Promise<string | {unseen: string} | null> {
  const answer = await lookUpPackages(looking);
  if (answer.state !== 'seen') return {unseen: answer.reason};
  const wanted = [names].flat();
  return answer.value.packages.find(({name, installed}) => installed && wanted.includes(name))?.version ?? null;
}
