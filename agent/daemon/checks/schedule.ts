import {createHash} from 'node:crypto';
import {type CronTimes, parseCron} from '../../config/cron.ts';
import type {Clocks} from './clocks.ts';

/** When a pack is judged: the cron expression, and how far hosts are spread after its times. */
export type PackSchedule = {pack: string; expression: string; splayMinutes: number};

type Entry = PackSchedule & {
  times: CronTimes;
  splayMs: number;
  /** By the clock of the wall, and by the monotonic one: whichever comes first. */
  dueAt: number;
  dueMonotonic: number;
};

/** No sleep is longer, so that a clock that was set is noticed soon. */
const maxSleepMs = 60_000;
/** A time that lies no further ahead when its pack was judged by the monotonic clock is over: the clock was slewed. */
const slewMs = 5 * 60_000;

/**
 * Says which packs are due. The clock of the wall decides, since that is what an administrator writes down. When it is set
 * forward over several times, a pack is due once; when it is set back, the distance to the next time as it was before
 * still holds by the monotonic clock, so that no pack waits for a time to come again.
 *
 * node-cron's own timer does neither: after a step back it sleeps until the time that it expected, and after a step
 * forward it goes through every time that was left out and runs none of them.
 */
export class Schedule {
  readonly #host: string;
  readonly #clocks: Clocks;
  readonly #due: (packs: string[]) => void;
  #entries: Entry[] = [];
  #cancel = () => {};

  /** `host` is any text that is this host's own and stays: with it and the pack the splay is the same at every start. */
  constructor(host: string, clocks: Clocks, due: (packs: string[]) => void) {
    this.#host = host;
    this.#clocks = clocks;
    this.#due = due;
  }

  /** Puts new schedules in place. Throws for an expression that `parseCron` refuses. */
  set(schedules: PackSchedule[]): void {
    this.#entries = schedules.map(schedule => {
      const splayMs = splayOf(this.#host, schedule.pack, schedule.splayMinutes);
      const entry = {...schedule, times: parseCron(schedule.expression), splayMs, dueAt: 0, dueMonotonic: 0};
      this.#plan(entry, this.#clocks.now());
      return entry;
    });
    this.#sleep();
  }

  stop(): void {
    this.#cancel();
    this.#entries = [];
  }

  /** `nextAt` in milliseconds since the epoch, splay included. */
  next(): Array<{pack: string; expression: string; nextAt: number}> {
    const left = this.#clocks.now() - this.#clocks.monotonic();
    return this.#entries.map(({pack, expression, dueAt, dueMonotonic}) => ({
      pack,
      expression,
      nextAt: Math.min(dueAt, Math.round(dueMonotonic + left)),
    }));
  }

  #plan(entry: Entry, after: number): void {
    const now = this.#clocks.now();
    entry.dueAt = entry.times.next(after - entry.splayMs) + entry.splayMs;
    entry.dueMonotonic = this.#clocks.monotonic() + (entry.dueAt - now);
  }

  #sleep(): void {
    this.#cancel();
    const waits = this.#entries.map(entry => this.#wait(entry));
    if (waits.length > 0)
      this.#cancel = this.#clocks.after(Math.max(0, Math.min(maxSleepMs, Math.ceil(Math.min(...waits)))), () =>
        this.#wake(),
      );
  }

  #wait({dueAt, dueMonotonic}: Entry): number {
    return Math.min(dueAt - this.#clocks.now(), dueMonotonic - this.#clocks.monotonic());
  }

  #wake(): void {
    const due = this.#entries.filter(entry => this.#wait(entry) <= 0);
    const now = this.#clocks.now();
    for (const entry of due) this.#plan(entry, entry.dueAt - now < slewMs ? Math.max(now, entry.dueAt) : now);
    this.#sleep();
    if (due.length > 0) this.#due(due.map(({pack}) => pack));
  }
}

/** How long after a time of the schedule this host judges a pack, milliseconds: spread evenly, and always the same. */
export function splayOf(host: string, pack: string, minutes: number): number {
  if (minutes === 0) return 0;
  const hash = createHash('sha256').update(`${host}\0${pack}`).digest();
  return Number(hash.readBigUInt64BE() % BigInt(minutes * 60_000));
}
