import type {Log} from '../../../controller/protocol/log.ts';
import type {Clock} from '../clock.ts';
import {LinkProblem, shorten} from '../problem.ts';
import {QuietLog} from '../quiet-log.ts';
import {Spool} from './spool.ts';

/** Milliseconds between tries. */
const retryMs = 5000;

/** Opens the spool, however long it takes: without it nothing that the agent reports could be confirmed. */
export async function openSpool(path: string, clock: Clock, log: Log): Promise<Spool> {
  const quiet = new QuietLog(log, clock, 'no spool; trying again');
  for (;;) {
    try {
      return new Spool(path, why =>
        log('warning', 'the spool was set aside and begun anew', {path, why: shorten(why)}),
      );
    } catch (error) {
      if (!(error instanceof LinkProblem)) throw error;
      quiet.trouble(error);
      await new Promise<void>(resolve => void clock.after(retryMs, resolve));
    }
  }
}
