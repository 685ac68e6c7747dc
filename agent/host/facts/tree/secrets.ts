/**
 * The shapes of secrets that are hard to mistake, by what they begin with: one fixed beginning, then bounded runs, so
 * that matching is linear. AWS's documentation uses keys that end in EXAMPLE.
 */
const shapes: ReadonlyArray<{shape: string; pattern: RegExp}> = [
  {shape: 'private key', pattern: /-----BEGIN (?:RSA |DSA |EC |OPENSSH |ENCRYPTED )?PRIVATE KEY-----/y},
  {shape: 'PGP private key', pattern: /-----BEGIN PGP PRIVATE KEY BLOCK-----/y},
  {shape: 'AWS access key', pattern: /A[KS]IA(?![A-Z2-7]{9}EXAMPLE)[A-Z2-7]{16}(?![A-Za-z0-9+/=])/y},
  {shape: 'GitHub token', pattern: /gh[pousr]_[A-Za-z0-9]{36}(?![A-Za-z0-9])/y},
  {shape: 'GitHub token', pattern: /github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}(?!\w)/y},
  {shape: 'GitLab token', pattern: /glpat-[A-Za-z0-9_-]{20}(?!\w)/y},
  {shape: 'Slack token', pattern: /xox[bpars]-[0-9]{8,14}-[A-Za-z0-9-]{16,200}/y},
  {shape: 'Google API key', pattern: /AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])/y},
  {shape: 'Stripe live key', pattern: /[sr]k_live_[A-Za-z0-9]{24,200}/y},
];

/** Every beginning of a shape, in one pass. */
const beginnings = /-----BEGIN |A[KS]IA|gh[pousr]_|github_pat_|glpat-|xox[bpars]-|AIza|[sr]k_live_/g;

/** A file may be one long list of keys. */
const maxSecrets = 20;

/** What looks like a secret, by shape and line number, in the order of lines. The secret itself is never passed on. */
export function findSecrets(bytes: Buffer): Array<{shape: string; line: number}> {
  const text = bytes.toString('latin1');
  const secrets: Array<{shape: string; line: number}> = [];
  for (const {index} of text.matchAll(beginnings)) {
    const found = isWord(text, index - 1) ? undefined : shapes.find(({pattern}) => startsAt(text, index, pattern));
    if (found !== undefined) secrets.push({shape: found.shape, line: lineOf(bytes, index)});
    if (secrets.length === maxSecrets) break;
  }
  return secrets;
}

function startsAt(text: string, index: number, pattern: RegExp): boolean {
  pattern.lastIndex = index;
  return pattern.test(text);
}

/** A token that continues a longer word is not one. */
const isWord = (text: string, at: number) => at >= 0 && /[A-Za-z0-9_]/.test(text[at] as string);

function lineOf(bytes: Buffer, at: number): number {
  let line = 1;
  for (let index = bytes.indexOf(10); index >= 0 && index < at; index = bytes.indexOf(10, index + 1)) line++;
  return line;
}
