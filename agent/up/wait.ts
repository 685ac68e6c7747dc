import {setTimeout as sleep} from 'node:timers/promises';
import {ReeveError} from '../errors.ts';

const everyMs = 100;

/**
 * Asks again and again until there is an answer. A `ReeveError` counts as none, since what is asked may still be starting.
 * Throws `REEVE_UP_FAILED` after `limitMs`, and what `stop` was aborted with.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | null>,
  {limitMs, stop}: {limitMs: number; stop: AbortSignal},
): Promise<T> {
  const end = performance.now() + limitMs;
  let why = '';
  for (;;) {
    stop.throwIfAborted();
    try {
      const answer = await ask();
      if (answer !== null) return answer;
      why = '';
    } catch (error) {
      if (!(error instanceof ReeveError)) throw error;
      why = `: ${error.message}`;
    }
    if (performance.now() > end)
      throw new ReeveError('REEVE_UP_FAILED', `${what} took longer than ${limitMs / 1000} s${why}`);
    await sleep(everyMs, undefined, {signal: stop}).catch(() => {});
  }
}
