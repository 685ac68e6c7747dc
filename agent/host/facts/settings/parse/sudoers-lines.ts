/** One statement of sudoers(5): lines that end in a backslash joined, comments taken off. */
export type SudoersLine = {text: string; line: number};

/**
 * The statements of a text. `#` begins a comment outside quotes unless a number follows, which is a user id. Within
 * quotes a joined line loses its leading white space; elsewhere the joint is a space.
 */
export function sudoersLines(text: string): SudoersLine[] {
  const found: SudoersLine[] = [];
  let [current, first, line, quoted, comment] = ['', 1, 1, false, false];
  const push = () => {
    if (current.trim() !== '') found.push({text: current, line: first});
    [current, first, quoted, comment] = ['', line, false, false];
  };
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (character === '\n') {
      line++;
      push();
    } else if (comment) continue;
    else if (character === '\\') {
      const end = joinedLineEnd(text, at);
      if (end === null) {
        current += text.slice(at, at + 2).replace('\n', '');
        if (text[at + 1] !== undefined && text[at + 1] !== '\n') at++;
        continue;
      }
      line++;
      at = end;
      if (!quoted) current += ' ';
      else while (text[at + 1] === ' ' || text[at + 1] === '\t') at++;
    } else if (
      character === '#' &&
      !quoted &&
      !isInclude(current, text, at) &&
      !/^-?\d/.test(text.slice(at + 1, at + 3))
    )
      comment = true;
    else {
      if (character === '"') quoted = !quoted;
      current += character;
    }
  }
  push();
  return found;
}

/** Where the line ends that a backslash at `at` joins to the next one, or null when it joins none. */
function joinedLineEnd(text: string, at: number): number | null {
  let end = at + 1;
  while (text[end] === ' ' || text[end] === '\t' || text[end] === '\r') end++;
  return text[end] === '\n' ? end : null;
}

/** The old spelling of @include and @includedir, at the very start of a line. */
const isInclude = (current: string, text: string, at: number): boolean =>
  current === '' && /^#include(dir)?[ \t]/.test(text.slice(at, at + 12));

/** Reads one statement from left to right. */
export class SudoersScanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.blanks();
  }

  get done(): boolean {
    return this.#at >= this.#text.length;
  }

  get rest(): string {
    return this.#text.slice(this.#at);
  }

  blanks(): void {
    while (/[ \t\r]/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  /** Whether `token` comes next; it and the white space after it are then taken. */
  take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    this.blanks();
    return true;
  }

  /** Takes what a sticky expression matches here, with the white space after it unless `exact`. */
  match(expression: RegExp, exact = false): RegExpExecArray | null {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#text);
    if (found === null) return null;
    this.#at += found[0].length;
    if (!exact) this.blanks();
    return found;
  }

  /** An odd number of exclamation marks. */
  negated(): boolean {
    let negated = false;
    while (this.take('!')) negated = !negated;
    return negated;
  }

  /** A quoted text with its escapes undone, or null. An unclosed one is a fault. */
  quoted(): string | null {
    if (this.#text[this.#at] !== '"') return null;
    const found = this.match(/"((?:[^"\\]|\\.)*)"/y);
    if (found === null) throw new SudoersFault('a quote is never closed');
    return withoutEscapes(found[1] as string);
  }
}

/** Thrown inside the parser alone: the statement is broken, sudo skips it. */
export class SudoersFault extends Error {}

export const withoutEscapes = (text: string): string => text.replace(/\\(.)/g, '$1');
