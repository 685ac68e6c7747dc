import type {Looking} from './collector.ts';

/** Makes a look that several collectors want run once a check, however many ask. */
export function once<T>(look: (looking: Looking) => Promise<T>): (looking: Looking) => Promise<T> {
  const results = new WeakMap<Looking['tables'], Promise<T>>();
  return looking => {
    const earlier = results.get(looking.tables);
    if (earlier !== undefined) return earlier;
    const result = look(looking);
    results.set(looking.tables, result);
    return result;
  };
}
