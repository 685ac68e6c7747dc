const newline = 10;
const separator = Buffer.from('\n\n');

/** A stanza longer than this is damage: the largest real ones have some 100 KiB. */
const maxStanzaBytes = 4 * 1024 * 1024;

/**
 * Cuts the stanzas of a Debian control file, deb822(5), out of the pieces that the file comes in. A stanza is given as
 * a range of a buffer, without the blank lines around it, and is valid during the call only.
 */
export class StanzaScanner {
  readonly #use: (bytes: Buffer, start: number, end: number, position: number) => void;
  /** The stanza that the last piece ended in. */
  #carry = Buffer.alloc(0);
  /** Where in the file the carried bytes begin. */
  #position = 0;

  /** `position` is the stanza's first byte in the file. */
  constructor(use: (bytes: Buffer, start: number, end: number, position: number) => void) {
    this.#use = use;
  }

  push(chunk: Buffer): void {
    let bytes = chunk;
    let start = 0;
    if (this.#carry.length > 0) {
      const end = this.#endInChunk(chunk);
      if (end < 0) {
        this.#carry = Buffer.concat([this.#carry, chunk]);
        this.#limit();
        return;
      }
      const whole = Buffer.concat([this.#carry, chunk.subarray(0, end)]);
      this.#hand(whole, 0, whole.length);
      this.#position += whole.length;
      start = end;
      bytes = chunk;
    }
    const base = this.#position - start;
    for (let end = bytes.indexOf(separator, start); end >= 0; end = bytes.indexOf(separator, start)) {
      this.#position = base + start;
      this.#hand(bytes, start, end);
      start = end + 1;
    }
    this.#position = base + start;
    this.#carry = Buffer.from(bytes.subarray(start));
    this.#limit();
  }

  end(): void {
    this.#hand(this.#carry, 0, this.#carry.length);
    this.#carry = Buffer.alloc(0);
  }

  /** Where the carried stanza ends in the chunk: after its last line's newline; -1 when it does not. */
  #endInChunk(chunk: Buffer): number {
    if (this.#carry[this.#carry.length - 1] === newline && chunk[0] === newline) return 0;
    const end = chunk.indexOf(separator);
    return end < 0 ? -1 : end + 1;
  }

  #hand(bytes: Buffer, from: number, to: number): void {
    let start = from;
    while (start < to && bytes[start] === newline) start++;
    if (start < to) this.#use(bytes, start, to, this.#position + start - from);
  }

  #limit(): void {
    if (this.#carry.length > maxStanzaBytes) {
      throw new Error(`it is damaged: the stanza at byte ${this.#position} has more than ${maxStanzaBytes} bytes`);
    }
  }
}

/** A stanza's fields by lower-case name; continuation lines are joined with newlines. Null where a line is no field. */
export function parseStanza(text: string): Map<string, string> | null {
  const fields = new Map<string, string>();
  let last: string | null = null;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    if (line[0] === ' ' || line[0] === '\t') {
      if (last === null) return null;
      fields.set(last, `${fields.get(last)}\n${line.slice(1)}`);
      continue;
    }
    const colon = line.indexOf(':');
    if (colon <= 0 || !isFieldName(line, colon)) return null;
    last = line.slice(0, colon).toLowerCase();
    fields.set(last, line.slice(colon + 1).trim());
  }
  return fields;
}

/** deb822(5): printable ASCII but space and colon. */
function isFieldName(line: string, end: number): boolean {
  for (let index = 0; index < end; index++) {
    const code = line.charCodeAt(index);
    if (code <= 32 || code >= 127) return false;
  }
  return true;
}

/** `name (version)` of a Source field; what it leaves out is the binary package's own. */
export function parseSource(
  source: string | undefined,
  name: string,
  version: string,
): {source: string; sourceVersion: string} {
  const match = /^(\S+)(?:\s+\(([^)\s]+)\))?\s*$/.exec(source ?? '');
  return {source: match?.[1] ?? name, sourceVersion: match?.[2] ?? version};
}
