/** Time as the link sees it; tests give their own. Delays go by the monotonic clock, so a set clock changes none. */
export type Clock = {
  /** Milliseconds of a clock that nobody sets. */
  monotonic(): number;
  /** Milliseconds since 1970, as the machine believes. For what people and peers read, never for delays. */
  wall(): number;
  /** Runs once after `ms`; what it returns calls that off. */
  after(ms: number, run: () => void): () => void;
};

export const systemClock: Clock = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** A time as it travels: RFC 3339 in UTC. */
export const timeText = (wallMs: number): string => new Date(wallMs).toISOString();
