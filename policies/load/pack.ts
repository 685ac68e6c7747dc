import {createHash} from 'node:crypto';
import type {Static} from 'typebox';
import * as Type from 'typebox';
import {severities} from '../finding.ts';
import type {Json} from '../json.ts';
import type {Applies, NoneVerdict, Pack, ParamValue, Rule} from '../pack.ts';
import {CheckReader} from './check.ts';
import {formatParamProblem, paramProblems, paramSchema} from './params.ts';
import type {Problem} from './problem.ts';
import {mismatches} from './schema.ts';
import {readYaml, type YamlFile} from './yaml.ts';

/** A pack as it lies on disk: `pack.yaml` and one `<area>.yaml` an area. `path` is for messages. */
export type PackFile = {path: string; name: string; text: string};
export type PackSource = {
  files: PackFile[];
  /** Whether a local key signed it: only then may it hold probes. */
  signed: boolean;
  /** The folder's name, which the pack must have too; left out where there is no folder. */
  name?: string;
};
export type Loaded<T> = {value: T; problems: []} | {value: null; problems: Problem[]};

const idPattern = '^[a-z0-9]+(?:[.-][a-z0-9]+)*$';
const sentence = (maxLength: number) =>
  Type.String({minLength: 3, maxLength, wanted: `text of 3 to ${maxLength} characters`});
const oneOrMore = Type.Union([Type.String({minLength: 1}), Type.Array(Type.String({minLength: 1}), {minItems: 1})], {
  wanted: 'text or a list of texts',
});

const appliesSchema = Type.Object(
  {
    os: Type.Optional(
      Type.Record(
        Type.String(),
        Type.String({
          pattern: '^(any|(?:[<>]=?\\s*[0-9][0-9.]*)(?:\\s+[<>]=?\\s*[0-9][0-9.]*)?)$',
          wanted: '"any" or bounds such as ">=12" or ">=8 <10"',
        }),
      ),
    ),
    not_in: Type.Optional(
      Type.Array(Type.Enum(['container', 'image']), {minItems: 1, wanted: 'a list of container, image'}),
    ),
    init: Type.Optional(Type.Enum(['systemd'])),
    package: Type.Optional(oneOrMore),
    file: Type.Optional(oneOrMore),
  },
  {additionalProperties: false},
);

const packSchema = Type.Object(
  {
    pack: Type.String({pattern: idPattern, maxLength: 60, wanted: 'a name of lower-case words joined by "-" or "."'}),
    version: Type.String({pattern: '^\\d+\\.\\d+\\.\\d+$', wanted: 'a version such as "1.2.0"'}),
    title: sentence(120),
    applies: Type.Optional(appliesSchema),
    params: Type.Optional(Type.Record(Type.String(), paramSchema)),
  },
  {additionalProperties: false},
);

const ruleSchema = Type.Object(
  {
    id: Type.String({pattern: idPattern, maxLength: 80, wanted: 'an id of lower-case words joined by "-" or "."'}),
    title: sentence(120),
    why: sentence(600),
    severity: Type.Enum([...severities], {wanted: `one of ${severities.join(', ')}`}),
    refs: Type.Optional(Type.Record(Type.String(), oneOrMore)),
    applies: Type.Optional(appliesSchema),
    check: Type.Record(Type.String(), Type.Unknown(), {wanted: 'one kind of check with its keys'}),
    none: Type.Optional(
      Type.Enum(['pass', 'fail', 'not-applicable', 'unknown'], {wanted: 'one of pass, fail, not-applicable, unknown'}),
    ),
    cure: Type.Optional(sentence(600)),
  },
  {additionalProperties: false},
);

const areaSchema = Type.Object(
  {area: sentence(60), rules: Type.Array(Type.Unknown(), {minItems: 1, wanted: 'a list of rules'})},
  {additionalProperties: false},
);

/**
 * Reads a pack from its files' texts, with the site's values for its parameters. Gives either the pack or every
 * problem in all its files, sorted by place.
 */
export function loadPack(source: PackSource, overrides: {[name: string]: ParamValue} = {}): Loaded<Pack> {
  const main = source.files.find(file => file.name === 'pack.yaml');
  if (main === undefined) {
    const path = source.files[0]?.path ?? 'pack.yaml';
    return {
      value: null,
      problems: [
        {
          path,
          line: 1,
          column: 1,
          message: 'the pack has no pack.yaml beside its rules',
          code: 'REEVE_PACK_INCOMPLETE',
        },
      ],
    };
  }
  const head = readYaml(main.path, main.text);
  const problems = [...head.problems];
  if (problems.length === 0) problems.push(...shapeProblems(head, packSchema, []));
  if (problems.length > 0) return {value: null, problems};

  const pack = head.value as Static<typeof packSchema>;
  if (source.name !== undefined && source.name !== pack.pack) {
    const message = `the pack is called "${pack.pack}" and its folder "${source.name}": both must be the same`;
    problems.push(head.problem(['pack'], message, 'REEVE_VALUE_INVALID'));
  }
  problems.push(...paramProblems(head, pack.params ?? {}));
  const params: {[name: string]: ParamValue} = {};
  for (const [name, declared] of Object.entries(pack.params ?? {})) params[name] = overrides[name] ?? declared.default;
  for (const name of Object.keys(overrides)) {
    const message = formatParamProblem(name, overrides[name] as ParamValue, pack.params?.[name]);
    if (message !== null) problems.push(head.problem(['params', name], message, 'REEVE_PARAM_UNKNOWN', 'key'));
  }
  const rules: Rule[] = [];
  for (const file of source.files) {
    if (file.name === 'pack.yaml') continue;
    const area = readArea(file, pack, params, source.signed);
    problems.push(...area.problems);
    rules.push(...area.rules);
  }
  problems.push(...duplicateIds(rules, source.files));
  if (rules.length === 0 && problems.length === 0) {
    problems.push(
      head.problem(
        [],
        'the pack has no rules: put them in <area>.yaml files beside pack.yaml',
        'REEVE_PACK_INCOMPLETE',
      ),
    );
  }
  if (problems.length > 0) return {value: null, problems};
  return {
    value: {name: pack.pack, version: pack.version, title: pack.title, digest: digestOf(source), params, rules},
    problems: [],
  };
}

function readArea(
  file: PackFile,
  pack: Static<typeof packSchema>,
  params: {[name: string]: ParamValue},
  signed: boolean,
): {rules: Rule[]; problems: Problem[]} {
  const yaml = readYaml(file.path, file.text);
  if (yaml.problems.length > 0) return {rules: [], problems: yaml.problems};
  const problems = shapeProblems(yaml, areaSchema, []);
  if (problems.length > 0) return {rules: [], problems};
  const {area, rules: raw} = yaml.value as Static<typeof areaSchema>;
  const rules: Rule[] = [];
  for (const [index, value] of raw.entries()) {
    const place = ['rules', index];
    const shape = shapeProblems(yaml, ruleSchema, place, value);
    problems.push(...shape);
    const rule = value as Static<typeof ruleSchema>;
    if (rule === null || typeof rule !== 'object' || rule.check === null || typeof rule.check !== 'object') continue;
    const reader = new CheckReader(yaml, params, signed);
    const check = reader.read(rule.check as {[key: string]: Json}, [...place, 'check']);
    problems.push(...reader.problems);
    if (shape.length > 0 || check === null) continue;
    problems.push(...noneProblems(yaml, place, rule, reader));
    rules.push({
      id: rule.id,
      pack: pack.pack,
      area,
      title: rule.title,
      why: rule.why,
      severity: rule.severity,
      refs: Object.fromEntries(Object.entries(rule.refs ?? {}).map(([scheme, ids]) => [scheme, [ids].flat()])),
      applies: [pack.applies, rule.applies].filter(applies => applies !== undefined) as Applies[],
      check,
      none: (rule.none as NoneVerdict | undefined) ?? null,
      cure: rule.cure ?? null,
      where: `${file.path}:${yaml.problem(place, '', 'REEVE_VALUE_INVALID').line}`,
    });
  }
  return {rules, problems};
}

function noneProblems(
  yaml: YamlFile,
  place: Array<string | number>,
  rule: Static<typeof ruleSchema>,
  reader: CheckReader,
): Problem[] {
  if (reader.canBeEmpty && rule.none === undefined) {
    const message = `rule "${rule.id}" may find nothing to judge: say what that means with "none:" (pass, fail, not-applicable or unknown)`;
    return [yaml.problem(place, message, 'REEVE_NONE_MISSING')];
  }
  if (!reader.canBeEmpty && rule.none !== undefined) {
    return [
      yaml.problem(
        [...place, 'none'],
        `rule "${rule.id}" always has something to judge: remove "none:"`,
        'REEVE_NONE_POINTLESS',
        'key',
      ),
    ];
  }
  return [];
}

/** Holds a part of a file against a schema; problems are placed in the file. */
export function shapeProblems(
  yaml: YamlFile,
  schema: Parameters<typeof mismatches>[0],
  place: Array<string | number>,
  value: unknown = yaml.value,
): Problem[] {
  return mismatches(schema, value).map(found =>
    yaml.problem([...place, ...found.at], found.message, found.code, found.place),
  );
}

function duplicateIds(rules: Rule[], files: PackFile[]): Problem[] {
  const first = new Map<string, Rule>();
  const problems: Problem[] = [];
  for (const rule of rules) {
    const earlier = first.get(rule.id);
    if (earlier === undefined) first.set(rule.id, rule);
    else {
      const split = rule.where.lastIndexOf(':');
      const path = rule.where.slice(0, split);
      const line = Number(rule.where.slice(split + 1));
      const source = files.find(file => file.path === path)?.text.split('\n')[line - 1];
      const message = `rule id "${rule.id}" is taken at ${earlier.where}: ids are unique in a pack`;
      problems.push({
        path,
        line,
        column: 1,
        message,
        code: 'REEVE_RULE_DUPLICATE',
        ...(source === undefined ? {} : {source}),
      });
    }
  }
  return problems;
}

function digestOf(source: PackSource): string {
  const hash = createHash('sha256');
  for (const file of source.files.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    hash.update(`${file.name}\0${Buffer.byteLength(file.text)}\0${file.text}`);
  }
  return hash.digest('hex');
}
