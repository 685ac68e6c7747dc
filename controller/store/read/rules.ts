import type {RulePage, RuleQuery} from '../../protocol/api.ts';
import type {RulesDocument} from '../../protocol/documents.ts';
import {cursors, keyOf, writeCursor} from './cursor.ts';
import type {Reader} from './reader.ts';

/** More different sets of rules than a fleet has; hosts that make up one each cannot make this slow. */
const maxDocuments = 32;

/** The rules of all hosts, each once: of the document that most hosts have. */
export function listRules(reader: Reader, query: RuleQuery): RulePage {
  const limit = query.limit ?? 100;
  const after = keyOf(cursors.rules, query.cursor)?.[0] ?? '';
  const digests = reader
    .prepare(
      `SELECT rules_document FROM host WHERE state <> 'removed' AND rules_document IS NOT NULL
      GROUP BY rules_document ORDER BY count(*) DESC, rules_document LIMIT ${maxDocuments}`,
    )
    .all();
  const rules = new Map<string, RulesDocument['rules'][number]>();
  const packs = new Set<string>();
  for (const {rules_document: digest} of digests) {
    const document = reader.documents.rules(digest as string)?.document;
    for (const pack of document?.packs ?? []) packs.add(pack.name);
    for (const rule of document?.rules ?? []) if (!rules.has(rule.id)) rules.set(rule.id, rule);
  }
  const text = query.text?.toLowerCase() ?? '';
  const found = [...rules.values()]
    .filter(({id, title}) => `${id}\n${title}`.toLowerCase().includes(text))
    .filter(({pack}) => query.pack?.includes(pack) ?? true)
    .filter(({id}) => id > after)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    rules: page.map(({id, pack, severity, title, why}) => ({id, pack, severity, title, why})),
    packs: [...packs].sort(),
    next: found.length > limit && last !== undefined ? writeCursor([last.id]) : null,
  };
}
