import type {DenialGroup} from '../../../../policies/facts/denials.ts';
import type {Denial} from './audit-record.ts';

const maxGroups = 2000;
const maxPids = 50;
const maxExample = 500;
const maxEvents = 200_000;

type Counted = {number: number; denial: Denial; count: number; first: number; last: number; pids: Set<number>};

/** Counts denials that say the same together. Bounded: what comes after the bound is counted, not kept apart. */
export class DenialGroups {
  readonly #groups = new Map<string, Counted>();
  readonly #events = new Set<string>();
  readonly #since: number;
  #left = 0;

  /** @param since milliseconds since the epoch; older denials are passed over. */
  constructor(since: number) {
    this.#since = since;
  }

  /** The same event in two logs, or twice in the journal, counts once. */
  add(denial: Denial): void {
    if (denial.at < this.#since) return;
    const key = JSON.stringify([
      denial.lsm,
      denial.subject,
      denial.operation,
      denial.class,
      denial.target,
      denial.mode,
    ]);
    const counted = this.#groups.get(key);
    if (counted === undefined && this.#groups.size >= maxGroups) {
      this.#left++;
      return;
    }
    const number = counted?.number ?? this.#groups.size;
    if (denial.event !== null) {
      const event = `${denial.event} ${number}`;
      if (this.#events.has(event)) return;
      if (this.#events.size < maxEvents) this.#events.add(event);
    }
    if (counted === undefined) {
      const pids = new Set(denial.pid === null ? [] : [denial.pid]);
      this.#groups.set(key, {number, denial, count: 1, first: denial.at, last: denial.at, pids});
      return;
    }
    counted.count++;
    counted.first = Math.min(counted.first, denial.at);
    counted.last = Math.max(counted.last, denial.at);
    if (denial.pid !== null && counted.pids.size < maxPids) counted.pids.add(denial.pid);
  }

  /** The groups, most frequent first. `left` were denials of further groups. */
  result(): {groups: DenialGroup[]; total: number; left: number} {
    const counted = [...this.#groups.values()].sort((a, b) => b.count - a.count || b.last - a.last);
    const groups = counted.map(({denial, count, first, last, pids}): DenialGroup => {
      const {lsm, subject, operation, class: objectClass, target, mode, text} = denial;
      return {
        lsm,
        subject,
        operation,
        class: objectClass,
        target,
        mode,
        count,
        first: new Date(first).toISOString(),
        last: new Date(last).toISOString(),
        example: text.slice(0, maxExample),
        pids: [...pids],
      };
    });
    return {groups, total: groups.reduce((sum, {count}) => sum + count, 0), left: this.#left};
  }
}
