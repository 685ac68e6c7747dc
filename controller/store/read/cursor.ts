import type {Static, TSchema} from 'typebox';
import * as Type from 'typebox';
import {parseJson} from '../../protocol/codec.ts';
import {hasShape} from '../../protocol/shape.ts';

const text = Type.String({maxLength: 8192});
const count = Type.Integer({minimum: 0, maximum: Number.MAX_SAFE_INTEGER});

/** The key of the last row of a page: the next page begins behind it, whatever came or went meanwhile. */
export const cursors = {
  hosts: Type.Tuple([text, text]),
  /** Host, rule, subject; before them verdict and severity when the page is sorted by `worst`. */
  findings: Type.Union([
    Type.Tuple([Type.Literal('host'), text, text, text]),
    Type.Tuple([Type.Literal('worst'), text, count, text, text, text]),
  ]),
  /** When it was received, host, epoch, n, part. */
  changes: Type.Tuple([count, text, count, count, count]),
  rules: Type.Tuple([text]),
} as const;

export const writeCursor = (key: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify(key), 'utf8').toString('base64url');

/** Null when the text is no cursor of this kind. */
export function readCursor<S extends TSchema>(schema: S, cursor: string): Static<S> | null {
  if (!/^[A-Za-z0-9_-]{1,12000}$/.test(cursor)) return null;
  const value = parseJson(Buffer.from(cursor, 'base64url').toString('utf8'));
  return hasShape(schema, value) ? (value as Static<S>) : null;
}

/** For the queries, which the API calls only with cursors that it has looked at. */
export function keyOf<S extends TSchema>(schema: S, cursor: string | undefined): Static<S> | null {
  if (cursor === undefined) return null;
  const key = readCursor(schema, cursor);
  if (key === null) throw new RangeError('this is no cursor of such a page');
  return key;
}
