import type {Position} from '../../controller/protocol/messages.ts';

/** Below 0 when `a` stands before `b`: null before all, then by epoch, then by number. */
export function comparePositions(a: Position | null, b: Position | null): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  return a.epoch - b.epoch || a.n - b.n;
}

/** Whether steps that begin with `from` go on where `stored` ends: the next number, or the first of a later stream. */
export function follows(stored: Position | null, next: {epoch: number; from: number}): boolean {
  if (stored !== null && next.epoch === stored.epoch) return next.from === stored.n + 1;
  return next.from === 1 && (stored === null || next.epoch > stored.epoch);
}
