import {documentReader} from './documents.ts';
import {parseToml} from './parse/toml.ts';

export const readToml = documentReader('toml', parseToml);
