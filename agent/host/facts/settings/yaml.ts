import {documentReader} from './documents.ts';
import {parseYaml} from './parse/yaml.ts';

export const readYaml = documentReader('yaml', parseYaml);
