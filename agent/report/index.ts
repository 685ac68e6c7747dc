import {renderJson} from './json.ts';
import {renderJunit} from './junit.ts';
import {renderMarkdown} from './markdown.ts';
import {renderOcsf} from './ocsf.ts';
import type {Report} from './report.ts';
import {renderSarif} from './sarif.ts';
import {renderTable, type TableOptions} from './table.ts';

/** Every output format, by the name that `--format` takes. */
export const formats: {[name: string]: (report: Report, options: TableOptions) => string} = {
  table: renderTable,
  json: renderJson,
  junit: renderJunit,
  sarif: renderSarif,
  ocsf: renderOcsf,
  markdown: renderMarkdown,
};
