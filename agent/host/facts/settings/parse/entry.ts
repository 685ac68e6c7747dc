/** One assignment of a text, in its order. `section` is empty for formats without sections and before the first one. */
export type Entry = {section: string; key: string; value: string; line: number};
