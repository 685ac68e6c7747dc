import type {DatabaseSync, StatementSync} from 'node:sqlite';
import {Documents} from './documents.ts';

/** What the reading queries share: statements that are prepared once, and documents that are unpacked once. */
export type Reader = {
  prepare(sql: string): StatementSync;
  documents: Documents;
};

/** How many distinct statements the queries can come to is bounded by their shapes, so none is ever let go. */
export function makeReader(database: DatabaseSync): Reader {
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string) => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = database.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };
  return {prepare, documents: new Documents(prepare)};
}

/** Milliseconds since 1970 as the API says them. */
export const timeText = (ms: number): string => new Date(ms).toISOString();
export const timeTextOrNull = (ms: number | null): string | null => (ms === null ? null : timeText(ms));

/** `?, ?, ?` for as many values. */
export const placeholders = (values: readonly unknown[]): string => values.map(() => '?').join(', ');
