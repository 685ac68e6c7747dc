import type {Static, TSchema} from 'typebox';
import {Check} from 'typebox/schema';

/**
 * Whether a value has the shape of a schema. The checker of JSON Schema alone: `typebox/value`, which does the same, brings
 * its whole library into processes that count their memory.
 */
export const hasShape = <S extends TSchema>(schema: S, value: unknown): value is Static<S> =>
  Check(schema as object, value);
