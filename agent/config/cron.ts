import {createTask, type ParsedFields, parse} from 'node-cron';

/** Times that a cron expression stands for, by the local time of this machine. */
export type CronTimes = {
  /** The first one after a moment, both in milliseconds since the epoch. */ next(after: number): number;
};

/** Leap days come every four years, but for 2100. */
const maxDays = 8 * 366 + 1;

/**
 * Reads a cron expression of five fields. Throws an `Error` that says what is wrong with it. node-cron says which
 * fields hold and which moments match; when to look for the next is decided by whoever asks (daemon/checks/schedule.ts).
 */
export function parseCron(expression: string): CronTimes {
  const count = expression.trim().split(/\s+/).length;
  if (count !== 5)
    throw new Error(`it has ${count} fields: minute, hour, day of month, month and day of week are wanted`);
  const fields = parse(expression);
  const task = createTask(expression, () => {});
  const matches = (at: number) => task.match(new Date(at));
  task.destroy();
  const times: CronTimes = {next: after => nextOf(fields, matches, after)};
  times.next(Date.now());
  return times;
}

/** Why an expression is refused, or null. */
export function cronProblem(expression: string): string | null {
  try {
    parseCron(expression);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function nextOf({minute, hour, month}: ParsedFields, matches: (at: number) => boolean, after: number): number {
  const start = new Date(after);
  for (let day = 0; day < maxDays; day++) {
    const noon = new Date(start.getFullYear(), start.getMonth(), start.getDate() + day, 12);
    if (!month.includes(noon.getMonth() + 1)) continue;
    const times = hour.toSorted(ascending).flatMap(h => minute.toSorted(ascending).map(m => timeOn(noon, h, m)));
    // A day matches as a whole or not at all; a time that the change to summer time leaves out matches never.
    if (!matches(times[0] as number) && !matches(times.at(-1) as number)) continue;
    const found = times.find(at => at > after && matches(at));
    if (found !== undefined) return found;
  }
  throw new Error(`no day of the next ${Math.floor(maxDays / 366)} years matches it`);
}

const ascending = (a: number, b: number) => a - b;

const timeOn = (day: Date, hour: number, minute: number): number =>
  new Date(day.getFullYear(), day.getMonth(), day.getDate(), hour, minute).getTime();
