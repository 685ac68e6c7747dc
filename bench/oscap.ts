import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {isInstalled, type Measured, measure} from './measure.ts';

const stream = '/usr/share/xml/scap/ssg/content/ssg-debian11-ds.xml';
const profile = 'xccdf_org.ssgproject.content_profile_anssi_np_nt28_high';

export type OscapRun = {measured: Measured; results: Map<string, string>};

/**
 * Runs oscap over the Debian 11 content, which is the newest that Debian 12 ships. Its platform gates say that no rule
 * applies to Debian 12, so a copy without them is judged; the copy is thrown away. Null when oscap or the content is
 * missing.
 */
export function runOscap(runs: number): OscapRun | null {
  if (!isInstalled('/usr/bin/oscap') || !isInstalled(stream)) return null;
  const folder = mkdtempSync(join(tmpdir(), 'reeve-bench-'));
  try {
    const copy = join(folder, 'ds.xml');
    const results = join(folder, 'results.xml');
    writeFileSync(copy, readFileSync(stream, 'utf8').replace(/<xccdf-1\.2:platform [^>]*\/>/g, ''));
    const measured = measure(
      ['/usr/bin/oscap', 'xccdf', 'eval', '--profile', profile, '--results', results, copy],
      runs,
    );
    const text = readFileSync(results, 'utf8');
    const found = text.matchAll(
      /<rule-result idref="xccdf_org\.ssgproject\.content_rule_([^"]+)"[^>]*>\s*<result>([^<]+)<\/result>/g,
    );
    const judged = [...found].filter(([, , result]) => result !== 'notselected');
    return {measured, results: new Map(judged.map(([, rule, result]) => [rule as string, result as string]))};
  } finally {
    rmSync(folder, {recursive: true});
  }
}
