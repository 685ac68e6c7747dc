/** One step of the machine: what it takes, and where it leads; `split` takes nothing. */
type State =
  | {kind: 'one'; character: string; next: number}
  | {kind: 'set'; ranges: Array<[string, string]>; negated: boolean; next: number}
  | {kind: 'any'; slash: boolean; next: number}
  | {kind: 'split'; next: number[]}
  | {kind: 'end'};

const maxStates = 4096;
const maxPattern = 4096;

/**
 * Matches an AppArmor attachment against an executable's path. `*` any but `/`, `**` any, `?` one but `/`, `[a-z]`,
 * `[^a]`, `{a,b}` nested, `\x` for x; a `*` or `**` that is a whole component takes at least one character. Source:
 * apparmor.d(5), "Globbing", and parser_regex.c, which lets a class match `/`. Patterns come from the host, so they become a machine that is walked in step with the text: the time is at
 * most the product of both lengths. Null for a pattern that is broken, or too large.
 */
export function apparmorGlob(pattern: string): ((path: string) => boolean) | null {
  if (pattern.length > maxPattern) return null;
  const machine = new Machine([...pattern]);
  const start = machine.build();
  return start === null ? null : path => machine.accepts(start, path);
}

class Machine {
  readonly #pattern: string[];
  readonly #states: State[] = [{kind: 'end'}];

  constructor(pattern: string[]) {
    this.#pattern = pattern;
  }

  /** Built from the end to the beginning, so that each state knows where it leads. Null for a broken pattern. */
  build(): number | null {
    const tree = parseSequence(this.#pattern, 0, 0);
    if (tree === null || tree.end !== this.#pattern.length) return null;
    const start = this.#sequence(tree.items, 0);
    return this.#states.length > maxStates ? null : start;
  }

  accepts(start: number, text: string): boolean {
    let current = this.#close([start]);
    for (const character of text) {
      if (current.size === 0) return false;
      current = this.#close([...current].flatMap(index => this.#step(index, character)));
    }
    return current.has(0);
  }

  #step(index: number, character: string): number[] {
    const state = this.#states[index] as State;
    switch (state.kind) {
      case 'one':
        return state.character === character ? [state.next] : [];
      case 'any':
        return state.slash || character !== '/' ? [state.next] : [];
      case 'set':
        return state.ranges.some(([from, to]) => from <= character && character <= to) !== state.negated
          ? [state.next]
          : [];
      default:
        return [];
    }
  }

  #close(from: number[]): Set<number> {
    const reached = new Set<number>();
    const open = [...from];
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if (reached.has(index)) continue;
      reached.add(index);
      const state = this.#states[index] as State;
      if (state.kind === 'split') open.push(...state.next);
    }
    return reached;
  }

  #add(state: State): number {
    if (this.#states.length > maxStates) return 0;
    this.#states.push(state);
    return this.#states.length - 1;
  }

  #sequence(items: Item[], next: number): number {
    let at = next;
    for (const item of items.toReversed()) {
      if (item.kind === 'star') at = this.#star(item, at);
      else if (item.kind === 'choice')
        at = this.#add({kind: 'split', next: item.items.map(choice => this.#sequence(choice, at))});
      else at = this.#add({...item, next: at});
    }
    return at;
  }

  #star({slash, atLeastOne}: {slash: boolean; atLeastOne: boolean}, next: number): number {
    const split: State = {kind: 'split', next: [next]};
    const loop = this.#add(split);
    const take = this.#add({kind: 'any', slash, next: loop});
    split.next.push(take);
    return atLeastOne ? this.#add({kind: 'any', slash: false, next: loop}) : loop;
  }
}

type Item =
  | {kind: 'one'; character: string}
  | {kind: 'set'; ranges: Array<[string, string]>; negated: boolean}
  | {kind: 'any'; slash: boolean}
  | {kind: 'star'; slash: boolean; atLeastOne: boolean}
  | {kind: 'choice'; items: Item[][]};

const maxNesting = 50;

function parseSequence(pattern: string[], start: number, depth: number): {items: Item[]; end: number} | null {
  if (depth > maxNesting) return null;
  const items: Item[] = [];
  let at = start;
  while (at < pattern.length) {
    const character = pattern[at] as string;
    if (depth > 0 && (character === ',' || character === '}')) break;
    if (character === '{') {
      const choice = parseChoice(pattern, at, depth);
      if (choice === null) return null;
      items.push(choice.item);
      at = choice.end;
    } else if (character === '[') {
      const set = parseSet(pattern, at);
      if (set === null) return null;
      items.push(set.item);
      at = set.end;
    } else if (character === '*') {
      const slash = pattern[at + 1] === '*';
      let after = at;
      while (pattern[after] === '*') after++;
      const whole = pattern[at - 1] === '/' && (after >= pattern.length || pattern[after] === '/');
      items.push({kind: 'star', slash, atLeastOne: whole});
      at = after;
    } else if (character === '?') {
      items.push({kind: 'any', slash: false});
      at++;
    } else if (character === '\\' && at + 1 < pattern.length) {
      items.push({kind: 'one', character: pattern[at + 1] as string});
      at += 2;
    } else {
      items.push({kind: 'one', character});
      at++;
    }
  }
  return {items, end: at};
}

function parseChoice(pattern: string[], start: number, depth: number): {item: Item; end: number} | null {
  const choices: Item[][] = [];
  let at = start;
  do {
    const part = parseSequence(pattern, at + 1, depth + 1);
    if (part === null || part.end >= pattern.length) return null;
    choices.push(part.items);
    at = part.end;
  } while (pattern[at] === ',');
  return {item: {kind: 'choice', items: choices}, end: at + 1};
}

function parseSet(pattern: string[], start: number): {item: Item; end: number} | null {
  const negated = pattern[start + 1] === '^';
  const ranges: Array<[string, string]> = [];
  let at = start + (negated ? 2 : 1);
  for (; at < pattern.length && pattern[at] !== ']'; at++) {
    if (pattern[at] === '\\' && at + 1 < pattern.length) at++;
    const from = pattern[at] as string;
    const to = pattern[at + 2];
    const isRange = pattern[at + 1] === '-' && to !== undefined && to !== ']';
    ranges.push([from, isRange ? to : from]);
    if (isRange) at += 2;
  }
  return at >= pattern.length || ranges.length === 0 ? null : {item: {kind: 'set', ranges, negated}, end: at + 1};
}
