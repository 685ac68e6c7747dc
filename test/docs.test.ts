import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {errorCodes} from '../agent/errors.ts';
import {expectationKeys} from '../policies/expect.ts';
import {kinds} from '../policies/kinds/index.ts';
import {problemCodes} from '../policies/load/problem.ts';

const home = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(join(home, path), 'utf8');
const findingCodes = ['REEVE_JUDGE_FAILED', 'REEVE_NONE_UNDECLARED'];

test('docs/errors.md has an entry for each code, and no other', t => {
  const entries = [...read('docs/errors.md').matchAll(/^### (REEVE_\w+)$/gm)].map(([, code]) => code as string);
  t.deepEqual(entries.sort(), [...errorCodes, ...problemCodes, ...findingCodes].sort());
});

test('every code is used somewhere', t => {
  const sources = ['agent', 'policies'].flatMap(folder =>
    readdirSync(join(home, folder), {recursive: true, encoding: 'utf8'})
      .filter(name => name.endsWith('.ts'))
      .map(name => join(folder, name)),
  );
  const text = sources
    .filter(path => path !== 'agent/errors.ts' && path !== 'policies/load/problem.ts')
    .map(read)
    .join('\n');
  t.deepEqual(
    [...errorCodes, ...problemCodes, ...findingCodes].filter(code => !text.includes(`'${code}'`)),
    [],
  );
});

test('every kind has its page, which names each of its keys, and no page lacks its kind', t => {
  const pages = readdirSync(join(home, 'docs/kinds')).map(name => name.replace('.md', ''));
  t.deepEqual(pages.sort(), kinds.map(({name}) => name).sort());
  const shared = Object.keys(expectationKeys);
  for (const kind of kinds) {
    const page = read(`docs/kinds/${kind.name}.md`);
    const lacking = Object.keys(kind.schema.properties).filter(
      key => !shared.includes(key) && !page.includes(`\`${key}\``) && !page.includes(`\`${key}:`),
    );
    t.deepEqual(lacking, [], kind.name);
  }
});

test('kinds and their index are sorted by name', t => {
  const names = kinds.map(({name}) => name);
  t.deepEqual(names, names.toSorted());
});

test('every link between pages leads somewhere', t => {
  const pages = [
    'README.md',
    'CHANGELOG.md',
    ...readdirSync(join(home, 'docs'), {recursive: true, encoding: 'utf8'})
      .filter(name => name.endsWith('.md'))
      .map(name => `docs/${name}`),
  ];
  const broken = pages.flatMap(page =>
    [...read(page).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)]
      .map(([, target]) => target as string)
      .filter(target => !existsSync(join(home, dirname(page), target)))
      .map(target => `${page}: ${target}`),
  );
  t.deepEqual(broken, []);
});

test('the lock file names no address', t => {
  t.notRegex(read('package-lock.json'), /"resolved"/);
});
