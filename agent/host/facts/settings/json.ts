import {documentReader} from './documents.ts';
import {parseJson} from './parse/json.ts';

export const readJson = documentReader('json', parseJson);
