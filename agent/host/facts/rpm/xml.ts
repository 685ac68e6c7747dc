/**
 * A strict reader for the two XML files of a repository that reeve reads, fed piece by piece. It knows elements,
 * attributes, text, CDATA, comments and the XML declaration; a document type, an entity beyond the five of XML, a
 * wrong nesting or anything past the limits is an error. Memory is bounded by the limits, whatever the file's size.
 */
export type XmlHandler = {
  /** `attributes` is parsed only when asked for. True asks for the element's own text, given to `close`. */
  open(name: string, attributes: () => Map<string, string>, depth: number): boolean;
  /** `depth` as at `open`: 1 for the root. `text` is empty unless it was asked for. */
  close(name: string, text: string, depth: number): void;
};

export class XmlError extends Error {}

const maxDepth = 32;
const maxTagLength = 256 * 1024;
const maxTextLength = 1024 * 1024;
const namePattern = /^[A-Za-z_][\w:.-]{0,127}/;

type Element = {name: string; wantsText: boolean; text: string};

export class XmlReader {
  readonly #handler: XmlHandler;
  readonly #stack: Element[] = [];
  #rest = '';
  #rootSeen = false;

  constructor(handler: XmlHandler) {
    this.#handler = handler;
  }

  write(chunk: string): void {
    const input = this.#rest === '' ? chunk : this.#rest + chunk;
    let at = 0;
    for (;;) {
      const open = input.indexOf('<', at);
      if (open < 0) break;
      const end = tokenEnd(input, open);
      if (end < 0) break;
      this.#text(input.slice(at, open));
      this.#token(input, open, end);
      at = end;
    }
    this.#rest = input.slice(at);
    if (this.#rest.length > maxTextLength) throw new XmlError('a piece of it is too long');
  }

  end(): void {
    if (this.#stack.length > 0 || !this.#rootSeen || this.#rest.trim() !== '') throw new XmlError('it ends too early');
  }

  #text(raw: string): void {
    const element = this.#stack.at(-1);
    if (element === undefined) {
      if (raw.replace('\uFEFF', '').trim() !== '') throw new XmlError('there is text outside of its elements');
    } else if (element.wantsText) this.#append(element, decodeText(raw));
  }

  #append(element: Element, text: string): void {
    element.text += text;
    if (element.text.length > maxTextLength) throw new XmlError(`the text of "${element.name}" is too long`);
  }

  #token(input: string, open: number, end: number): void {
    const second = input[open + 1];
    if (second === '/') this.#close(input.slice(open + 2, end - 1).trimEnd());
    else if (second === '?') this.#declaration(input.slice(open, end));
    else if (second !== '!') this.#open(input.slice(open + 1, end - 1));
    else if (input.startsWith('<![CDATA[', open)) {
      const element = this.#stack.at(-1);
      if (element === undefined) throw new XmlError('there is text outside of its elements');
      if (element.wantsText) this.#append(element, input.slice(open + 9, end - 3));
    } else if (!input.startsWith('<!--', open)) throw new XmlError('it has a document type, which is not allowed');
  }

  #declaration(token: string): void {
    if (this.#rootSeen || !/^<\?xml\s/.test(token))
      throw new XmlError('it has a processing instruction, which is not allowed');
    if (!/encoding=["'](?:utf-8|us-ascii)["']/i.test(token) && token.includes('encoding='))
      throw new XmlError('it is not in UTF-8');
  }

  #open(tag: string): void {
    const empty = tag.endsWith('/');
    const body = empty ? tag.slice(0, -1) : tag;
    const name = namePattern.exec(body)?.[0];
    if (name === undefined) throw new XmlError('it has a tag without a name');
    if (this.#stack.length === 0 && this.#rootSeen) throw new XmlError('it has more than one root element');
    if (this.#stack.length >= maxDepth) throw new XmlError('it is nested too deeply');
    this.#rootSeen = true;
    const depth = this.#stack.length + 1;
    const wantsText = this.#handler.open(name, () => parseAttributes(body.slice(name.length)), depth);
    if (empty) this.#handler.close(name, '', depth);
    else this.#stack.push({name, wantsText, text: ''});
  }

  #close(name: string): void {
    const element = this.#stack.pop();
    if (element === undefined || element.name !== name)
      throw new XmlError(`"${name.slice(0, 80)}" is closed where "${element?.name ?? 'nothing'}" is open`);
    this.#handler.close(name, element.text, this.#stack.length + 1);
  }
}

/** One past the token's last character, or -1 when it does not end within `input`. A `>` may stand inside quotes. */
function tokenEnd(input: string, open: number): number {
  if (input.startsWith('<!--', open)) return after(input, '-->', open + 4);
  if (input.startsWith('<![CDATA[', open)) return after(input, ']]>', open + 9);
  if (input.startsWith('<!', open) && '<![CDATA['.startsWith(input.slice(open, open + 9))) return -1;
  let at = open;
  for (;;) {
    const close = input.indexOf('>', at);
    if (close < 0) {
      if (input.length - open > maxTagLength) throw new XmlError('it has a tag that is too long');
      return -1;
    }
    const quote = openQuote(input, at, close);
    if (quote === '') return close + 1;
    const quoteEnd = input.indexOf(quote, close);
    if (quoteEnd < 0) {
      if (input.length - open > maxTagLength) throw new XmlError('it has a tag that is too long');
      return -1;
    }
    at = quoteEnd + 1;
  }
}

function after(input: string, mark: string, from: number): number {
  const at = input.indexOf(mark, from);
  return at < 0 ? -1 : at + mark.length;
}

/** The quote that is still open at `end`, or an empty text. */
function openQuote(input: string, start: number, end: number): '"' | "'" | '' {
  let quote: '"' | "'" | '' = '';
  for (let index = start; index < end; index++) {
    const character = input[index];
    if (quote === '') {
      if (character === '"' || character === "'") quote = character;
    } else if (character === quote) quote = '';
  }
  return quote;
}

function parseAttributes(text: string): Map<string, string> {
  const attributes = new Map<string, string>();
  const pattern = /\s+([A-Za-z_][\w:.-]{0,127})\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y;
  let end = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const [, name, double, single] = match;
    if (attributes.has(name as string)) throw new XmlError(`the attribute "${name}" is given twice`);
    attributes.set(name as string, decodeText(double ?? (single as string)));
    end = pattern.lastIndex;
  }
  if (text.slice(end).trim() !== '') throw new XmlError('it has a tag with broken attributes');
  return attributes;
}

const entities = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
]);

function decodeText(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&([^;&]{0,12};?)/g, (_, body: string) => {
    const name = body.endsWith(';') ? body.slice(0, -1) : '';
    const known = entities.get(name);
    if (known !== undefined) return known;
    const code = /^#(?:(\d{1,7})|x([0-9A-Fa-f]{1,6}))$/.exec(name);
    const point =
      code === null ? Number.NaN : code[1] === undefined ? Number.parseInt(code[2] as string, 16) : Number(code[1]);
    if (Number.isNaN(point) || point > 0x10ffff) throw new XmlError('it uses an entity that is not allowed');
    return String.fromCodePoint(point);
  });
}
