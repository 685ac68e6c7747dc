/** Time, handed in so that tests can make it jump. `after` runs once, by the monotonic clock; what it returns takes it back. */
export type Clocks = {
  /** Milliseconds since the epoch, UTC: what the administrator's clock says, and may jump. */
  now(): number;
  /** Milliseconds since some moment, which only grow and at the same pace. */
  monotonic(): number;
  after(ms: number, run: () => void): () => void;
};

export const systemClocks: Clocks = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
