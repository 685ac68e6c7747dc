import type {KeyObject} from 'node:crypto';
import type {Batch, Item, WireFinding} from '../../controller/protocol/batch.ts';
import {type SealedBatch, sealBatch} from '../../controller/protocol/codec.ts';
import type {Position} from '../../controller/protocol/messages.ts';
import {findingDigest, SetDigest} from '../../controller/protocol/set-digest.ts';

/** An item before it has its number. */
type Step = Item extends infer I ? (I extends Item ? Omit<I, 'n'> : never) : never;

/** Well below `limits.batchItems`, so that also long findings stay below `limits.batch`. */
const itemsABatch = 250;

/** The stream of one simulated host: its set of findings, and the sealed batches that were not acknowledged yet. */
export class SimulatedStream {
  /** In the order in which they were made. */
  readonly unacknowledged: SealedBatch[] = [];
  readonly #agent: string;
  readonly #key: KeyObject;
  readonly #findings = new Map<string, WireFinding>();
  #set = new SetDigest();
  #epoch = 1;
  #n = 0;

  constructor(agent: string, key: KeyObject) {
    this.#agent = agent;
    this.#key = key;
  }

  get at(): Position {
    return {epoch: this.#epoch, n: this.#n};
  }

  get digest(): string {
    return this.#set.toString();
  }

  get size(): number {
    return this.#findings.size;
  }

  /** A whole set in place of what was there. */
  replace(findings: readonly WireFinding[]): void {
    this.#findings.clear();
    this.#set = new SetDigest();
    for (const finding of findings) this.#put(finding);
    this.#wholeSet();
  }

  /** Gives the first `count` findings another verdict; counts that are greater than the set are cut to it. */
  change(count: number): void {
    const chosen = [...this.#findings.values()].slice(0, count);
    this.#append(
      chosen.map(finding => {
        const next: WireFinding = {...finding, verdict: finding.verdict === 'fail' ? 'pass' : 'fail'};
        this.#put(next);
        return {t: 'set', f: next};
      }),
    );
  }

  acknowledge(position: Position): void {
    const kept = this.unacknowledged.filter(
      ({epoch, to}) => epoch > position.epoch || (epoch === position.epoch && to > position.n),
    );
    this.unacknowledged.splice(0, this.unacknowledged.length, ...kept);
  }

  /**
   * Takes what the controller says that it has. Starts a whole set when that does not fit what is left here: a stream
   * ahead of ours, or a hole between.
   */
  meet(stored: Position | null): void {
    if (stored !== null) this.acknowledge(stored);
    const next = this.unacknowledged[0];
    if (this.#n === 0) return;
    const reached = stored ?? {epoch: 0, n: 0};
    const ahead = reached.epoch > this.#epoch || (reached.epoch === this.#epoch && reached.n > this.#n);
    const hole =
      next === undefined
        ? reached.epoch !== this.#epoch || reached.n !== this.#n
        : next.epoch === reached.epoch
          ? next.from !== reached.n + 1
          : next.from !== 1;
    if (!ahead && !hole) return;
    this.#epoch = Math.max(this.#epoch, reached.epoch) + 1;
    this.#n = 0;
    this.unacknowledged.length = 0;
    this.#wholeSet();
  }

  /** The whole set once more, in the same stream. */
  resync(): void {
    this.#wholeSet();
  }

  #wholeSet(): void {
    const sets = [...this.#findings.values()].map((f): Step => ({t: 'set', f}));
    this.#append([{t: 'reset'}, ...sets, {t: 'settled', count: sets.length, digest: this.digest}]);
  }

  #put(finding: WireFinding): void {
    const key = `${finding.rule}\0${finding.subject}`;
    const before = this.#findings.get(key);
    if (before !== undefined) this.#set.remove(findingDigest(before));
    this.#findings.set(key, finding);
    this.#set.add(findingDigest(finding));
  }

  #append(steps: Step[]): void {
    for (let start = 0; start < steps.length; start += itemsABatch) {
      const from = this.#n + 1;
      const items = steps.slice(start, start + itemsABatch).map((step): Item => ({n: ++this.#n, ...step}) as Item);
      const batch: Batch = {
        v: 1,
        agent: this.#agent,
        epoch: this.#epoch,
        from,
        to: this.#n,
        at: new Date().toISOString(),
        items,
      };
      this.unacknowledged.push(sealBatch(batch, this.#key));
    }
  }
}
