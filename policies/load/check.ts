import type {Json} from '../json.ts';
import {kindsByName} from '../kinds/index.ts';
import type {CheckNode, ParamValue} from '../pack.ts';
import type {Problem} from './problem.ts';
import {mismatches, nearest} from './schema.ts';
import type {YamlFile} from './yaml.ts';

type Place = Array<string | number>;
type JsonObject = {[key: string]: Json};

const maxDepth = 4;

/** Reads one rule's `check:`, filling in parameters, and gathers every problem on the way. */
export class CheckReader {
  readonly problems: Problem[] = [];
  canBeEmpty = false;
  readonly #yaml: YamlFile;
  readonly #params: {[name: string]: ParamValue};
  readonly #signed: boolean;

  constructor(yaml: YamlFile, params: {[name: string]: ParamValue}, signed: boolean) {
    this.#yaml = yaml;
    this.#params = params;
    this.#signed = signed;
  }

  read(node: JsonObject, place: Place, depth = 0): CheckNode | null {
    const keys = Object.keys(node);
    const [key] = keys;
    if (keys.length !== 1 || key === undefined) {
      return this.#refuse(
        place,
        `a check has exactly one kind, or "all:" or "any:"; found ${keys.length === 0 ? 'none' : keys.join(', ')}`,
      );
    }
    if (key === 'all' || key === 'any') return this.#readGroup(key, node[key], [...place, key], depth);
    const kind = kindsByName.get(key);
    if (kind === undefined) {
      const known = [...kindsByName.keys(), 'all', 'any'];
      this.problems.push(
        this.#yaml.problem(
          [...place, key],
          `unknown kind "${key}": ${nearest(key, known)}`,
          'REEVE_KEY_UNKNOWN',
          'key',
        ),
      );
      return null;
    }
    if (key === 'probe' && !this.#signed) {
      const message =
        'a probe runs a command: the pack must be signed by a key that this host trusts (see docs/packs.md)';
      this.problems.push(this.#yaml.problem([...place, key], message, 'REEVE_PROBE_UNSIGNED', 'key'));
      return null;
    }
    const before = this.problems.length;
    const check = this.#fill(node[key] as Json, [...place, key]);
    if (this.problems.length > before) return null;
    for (const found of mismatches(kind.schema, check)) {
      this.problems.push(this.#yaml.problem([...place, key, ...found.at], found.message, found.code, found.place));
    }
    if (this.problems.length > before) return null;
    for (const found of kind.problems?.(check as never) ?? []) {
      this.problems.push(this.#yaml.problem([...place, key, ...found.at], found.message, 'REEVE_VALUE_INVALID'));
    }
    if (this.problems.length > before) return null;
    if (kind.canBeEmpty(check as never)) this.canBeEmpty = true;
    return {kind, check: check as JsonObject};
  }

  #readGroup(key: 'all' | 'any', value: Json | undefined, place: Place, depth: number): CheckNode | null {
    if (depth >= maxDepth) return this.#refuse(place, `checks are nested more than ${maxDepth} deep: split the rule`);
    if (!Array.isArray(value) || value.length < 2)
      return this.#refuse(place, `"${key}:" takes a list of two or more checks`);
    const parts = value.map((part, index) =>
      part !== null && typeof part === 'object' && !Array.isArray(part)
        ? this.read(part, [...place, index], depth + 1)
        : this.#refuse([...place, index], 'a check is a mapping with one kind'),
    );
    if (parts.some(part => part === null)) return null;
    return key === 'all' ? {all: parts as CheckNode[]} : {any: parts as CheckNode[]};
  }

  /** Puts the value of each `{param: name}` in its place. */
  #fill(value: Json, place: Place): Json {
    if (Array.isArray(value))
      return value.flatMap((item, index) => {
        const filled = this.#fill(item, [...place, index]);
        return isParam(item) && Array.isArray(filled) ? filled : [filled];
      });
    if (value === null || typeof value !== 'object') return value;
    if (isParam(value)) {
      const param = this.#params[value.param];
      if (param !== undefined) return param;
      const declared = Object.keys(this.#params).join(', ') || 'none';
      this.problems.push(
        this.#yaml.problem(
          [...place, 'param'],
          `unknown parameter "${value.param}": pack.yaml declares ${declared}`,
          'REEVE_PARAM_UNKNOWN',
        ),
      );
      return null;
    }
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#fill(item, [...place, key])]));
  }

  #refuse(place: Place, message: string): null {
    this.problems.push(this.#yaml.problem(place, message, 'REEVE_VALUE_INVALID'));
    return null;
  }
}

function isParam(value: Json): value is {param: string} {
  return (
    value !== null &&
    typeof value === 'object' &&
    !Array.isArray(value) &&
    Object.keys(value).length === 1 &&
    typeof value.param === 'string'
  );
}
