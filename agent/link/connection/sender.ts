import type {SealedBatch} from '../../../controller/protocol/codec.ts';
import {limits} from '../../../controller/protocol/limits.ts';
import type {Position} from '../../../controller/protocol/messages.ts';
import {comparePositions} from '../position.ts';
import type {SpooledBatch} from '../spool/spool.ts';

const size = ({payload, signature}: SealedBatch) => payload.length + signature.length;

/** Sends what is spooled in order, and holds what is under way to the window. */
export class BatchSender {
  readonly #windowBatches: number;
  #underWay: Array<{end: Position; bytes: number}> = [];
  #lastId = 0;
  /** The end of what was sent, or what the controller had before. */
  #sentUpTo: Position | null;
  #acknowledged: Position | null;

  constructor(windowBatches: number, acknowledged: Position | null) {
    this.#windowBatches = Math.min(windowBatches, limits.windowBatches);
    this.#sentUpTo = acknowledged;
    this.#acknowledged = acknowledged;
  }

  get isWaiting(): boolean {
    return this.#underWay.length > 0;
  }

  /** Sends while the window has room; `after` gives the batch that comes after the one with an id. */
  fill(after: (id: number) => SpooledBatch | null, send: (batch: SpooledBatch) => void): void {
    while (this.#underWay.length < this.#windowBatches) {
      const batch = after(this.#lastId);
      if (batch === null) return;
      const bytes = this.#underWay.reduce((sum, item) => sum + item.bytes, 0);
      if (bytes > 0 && bytes + size(batch) > limits.windowBytes) return;
      const end = {epoch: batch.epoch, n: batch.to};
      this.#underWay.push({end, bytes: size(batch)});
      this.#lastId = batch.id;
      this.#sentUpTo = end;
      send(batch);
    }
  }

  /** Null when the acknowledgement is one that can be, else what is wrong with it. */
  acknowledge(position: Position): string | null {
    if (comparePositions(position, this.#acknowledged) < 0) return 'an acknowledgement that takes one back';
    if (comparePositions(position, this.#sentUpTo) > 0) return 'an acknowledgement of what was not sent';
    this.#acknowledged = position;
    this.#underWay = this.#underWay.filter(({end}) => comparePositions(end, position) > 0);
    return null;
  }
}
