/**
 * What looking for one fact gave. The four states are never folded into each other: an unreadable file is not an
 * absent one, and a fact that only a running machine has is not missing from an image.
 *
 * `where` lists what was read, each as `path`, `path:line`, or `pid N`, for the reader to look at.
 */
export type Answer<T> =
  | {state: 'seen'; value: T; where: string[]}
  | {state: 'absent'; reason: string; where: string[]}
  | {state: 'unseen'; reason: string}
  | {state: 'live-only'; reason: string};

export const seen = <T>(value: T, where: string[]): Answer<T> => ({state: 'seen', value, where});
export const absent = (reason: string, where: string[] = []): Answer<never> => ({state: 'absent', reason, where});
export const unseen = (reason: string): Answer<never> => ({state: 'unseen', reason});
export const liveOnly = (what: string): Answer<never> => ({
  state: 'live-only',
  reason: `${what} can be seen on the running machine only`,
});

/** The judgement that every kind makes of an answer that holds no value; `absent` is left to the kind. */
export function withoutValue(
  subject: string,
  answer: {state: 'unseen' | 'live-only'; reason: string},
): {subject: string; verdict: 'unknown' | 'not-applicable'; reason: string} {
  return {subject, verdict: answer.state === 'unseen' ? 'unknown' : 'not-applicable', reason: answer.reason};
}
