import type {Json} from '../policies/json.ts';

/** What a command that only shows gives: the same as data and as lines for a reader. */
export type Inspection = {
  json: Json;
  text: string[];
  /** Something that a host of this kind has could not be seen. */
  verdictUnknown: boolean;
};
