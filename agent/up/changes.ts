import {setTimeout as sleep} from 'node:timers/promises';
import type {ChangeInfo} from '../../controller/protocol/api.ts';
import type {Position} from '../../controller/protocol/messages.ts';
import type {Controller} from '../cli/controller/client.ts';
import {newChanges} from '../cli/controller/pages.ts';
import {ReeveError} from '../errors.ts';
import {printable} from '../host/names.ts';
import {sentence} from '../report/report.ts';
import {verdictStyle} from '../report/table.ts';
import {type Paint, wrap} from '../report/text.ts';
import {fromWire} from '../report/wire.ts';

const everyMs = 1000;
const mostAtOnce = 1000;

/** Where the controller's list of changes of a host ends now; null when it has none. */
export async function newestChange(controller: Controller, host: string): Promise<Position | null> {
  const [newest] = await newChanges(controller, host, () => false, 1).then(changes => changes.slice(-1));
  return newest === undefined ? null : {epoch: newest.epoch, n: newest.n};
}

/** Tells of each change that the controller stores after `since`, until `stop`. A controller that is away is asked again. */
export async function followChanges(
  controller: Controller,
  host: string,
  since: Position | null,
  {stop, onChange}: {stop: AbortSignal; onChange: (change: ChangeInfo) => void},
): Promise<void> {
  let seen = since;
  while (!stop.aborted) {
    await sleep(everyMs, undefined, {signal: stop}).catch(() => {});
    if (stop.aborted) return;
    try {
      const at = seen;
      const isKnown = ({epoch, n}: ChangeInfo) =>
        at !== null && (epoch < at.epoch || (epoch === at.epoch && n <= at.n));
      const changes = await newChanges(controller, host, isKnown, mostAtOnce);
      for (const change of changes) {
        onChange(change);
        seen = {epoch: change.epoch, n: change.n};
      }
    } catch (error) {
      if (!(error instanceof ReeveError)) throw error;
    }
  }
}

/** Whether a reader wants to know: what passed and still passes in another way is none. */
export const isNews = ({before, after}: ChangeInfo): boolean =>
  before !== after || (after !== 'pass' && after !== 'not-applicable');

/** A change as lines for a reader: when, what it is now, what it was, and what was found unless it passes. */
export function changeLines(change: ChangeInfo, columns: number, paint: Paint): string[] {
  const {rule, subject, before, after, finding, observedAt} = change;
  const time = new Date(observedAt).toTimeString().slice(0, 8);
  const verdict = (after ?? 'gone').toUpperCase().replace('NOT-APPLICABLE', 'N/A');
  const was = before === after ? '' : `, was ${before ?? 'not there'}`;
  const found = finding === null || after === 'pass' ? '' : sentence(fromWire(finding, observedAt));
  return [
    `${time} ${paint(after === null ? 'dim' : verdictStyle[after], verdict.padEnd(7))} ${printable(rule)}${was}`,
    ...wrap(printable(subject), columns - 9).map(line => `         ${line}`),
    ...(found === '' ? [] : wrap(printable(found), columns - 9).map(line => `         ${line}`)),
  ];
}
