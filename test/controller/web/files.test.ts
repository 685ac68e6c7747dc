import {createHash} from 'node:crypto';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {readPage} from '../../../controller/api/page.ts';
import {makeSite} from '../../helpers/site.ts';

test('readPage() names script and style by their digests, and the page holds them to it', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'reeve-page-'));
  t.teardown(() => rm(folder, {recursive: true, force: true}));
  const html = '<link rel="stylesheet" href="app.css"><script type="module" src="app.js"></script>';
  const files = {'index.html': html, 'app.js': 'let $ = 1;', 'app.css': 'a {}'};
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const site = await makeSite(t, {page: readPage(folder)});
  const page = await site.ask('/');
  const text = await page.text();
  t.is(page.headers.get('content-type'), 'text/html; charset=utf-8');
  const assets = [...text.matchAll(/"(\/app-[0-9a-f]{16}\.(?:js|css))" integrity="(sha384-[^"]+)"/g)];
  t.is(assets.length, 2);
  for (const [, path, integrity] of assets) {
    const body = await (await site.ask(path as string)).text();
    t.is(`sha384-${createHash('sha384').update(body).digest('base64')}`, integrity as string);
  }
  for (const path of [
    '/index.html',
    '/app.js',
    '/app-0000000000000000.js',
    '/..%2f..%2fetc/passwd',
    '/%2e%2e/app.js',
  ]) {
    t.is((await site.ask(path)).status, 404, path);
  }
  t.is((await site.ask('/', {method: 'POST'})).status, 405);
});

test('without its files the page says what to do', async t => {
  t.is(readPage(join(tmpdir(), 'there is no such folder')), null);
  const site = await makeSite(t);
  const answer = await site.ask('/');
  t.is(answer.status, 503);
  t.regex(await answer.text(), /npm run build/);
});
