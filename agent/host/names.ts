/**
 * File names are bytes, not text. Inside reeve a path is a string in which each byte that is not valid UTF-8 stands as
 * a lone surrogate, U+DC80 to U+DCFF (as in Python's PEP 383): nothing is lost, and ordinary names look ordinary.
 */
export function decodeName(bytes: Uint8Array): string {
  const text = strict(bytes);
  if (text !== null) return text;
  let result = '';
  let index = 0;
  while (index < bytes.length) {
    const length = sequenceLength(bytes[index] as number);
    const piece = length > 0 ? strict(bytes.subarray(index, index + length)) : null;
    if (piece !== null && index + length <= bytes.length) {
      result += piece;
      index += length;
    } else {
      result += String.fromCharCode(0xdc00 + (bytes[index] as number));
      index++;
    }
  }
  return result;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the range is all of ASCII
const ascii = /^[\x00-\x7f]*$/;
export const isAscii = (name: string): boolean => ascii.test(name);

/** The path for a system call: a string where that is exact, else its bytes. */
export function encodePath(path: string): string | Buffer {
  if (path.isWellFormed()) return path;
  const parts: Buffer[] = [];
  for (const piece of path.split(/([\uDC80-\uDCFF])/u)) {
    const code = piece.charCodeAt(0);
    const escaped = piece.length === 1 && code >= 0xdc80 && code <= 0xdcff;
    parts.push(escaped ? Buffer.from([code - 0xdc00]) : Buffer.from(piece, 'utf8'));
  }
  return Buffer.concat(parts);
}

const decoder = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});

function strict(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

function sequenceLength(first: number): number {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

const unprintable =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]|\\(?=x[0-9a-f]{2}|u\{)/gu;

/**
 * Text that came from a host, fit for a terminal, a report and a reader: control and bidirectional characters stand as
 * `\x1b` or `\u{202e}`, bytes that are not UTF-8 as `\xff`. A surrogate pair is one character and stays.
 */
export function printable(text: string): string {
  return text.replace(unprintable, character => {
    if (character === '\\') return '\\\\';
    const code = character.codePointAt(0) as number;
    if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`;
    return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}
