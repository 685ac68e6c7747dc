import {type Severity, severities} from '../../policies/finding.ts';
import {nearest} from '../../policies/load/schema.ts';
import type {Rule} from '../../policies/pack.ts';
import {loadConfig} from '../config/load.ts';
import type {Config} from '../config/schema.ts';
import {ReeveError} from '../errors.ts';
import type {Host} from '../host/host.ts';
import {localHost} from '../host/local/host.ts';
import {loadSite, type Site} from '../packs/load.ts';

/** Options that every command on rules has. */
export type SelectionOptions = {pack?: string[]; rule?: string[]; config?: string};

export type Selection = Site & {
  rules: Rule[];
  /** The machine that reeve runs on, which is not always the one that is judged. */
  program: Host;
  config: Config;
};

/** Loads what the site configured, and the rules that the options choose of it. */
export async function selectRules(options: SelectionOptions): Promise<Selection> {
  const program = localHost('/');
  const {config, note} = await loadConfig(program, options.config ?? null);
  const site = await loadSite(program, config, options.pack ?? []);
  const all = site.packs.flatMap(({rules}) => rules);
  const wanted = options.rule ?? [];
  for (const id of wanted) {
    if (!all.some(rule => rule.id === id))
      throw new ReeveError('REEVE_RULE_UNKNOWN', `there is no rule "${id}": ${hint(id, all)}`);
  }
  const rules = wanted.length === 0 ? all : all.filter(({id}) => wanted.includes(id));
  const notes = note === null || note.includes('does not exist') ? site.notes : [note, ...site.notes];
  return {...site, notes, rules, program, config};
}

function hint(id: string, rules: Rule[]): string {
  const close = nearest(
    id,
    rules.map(rule => rule.id),
  );
  return close.startsWith('did you mean') ? close : 'reeve rules lists them';
}

export function parseSeverity(text: string): Severity {
  const severity = severities.find(name => name === text);
  if (severity === undefined)
    throw new ReeveError('REEVE_USAGE', `"${text}" is no severity: one of ${severities.join(', ')} is wanted`);
  return severity;
}

/** For repeatable options, which also take several values joined by commas. */
export const collectValues = (value: string, before: string[] = []): string[] => [
  ...before,
  ...value.split(',').filter(part => part !== ''),
];
