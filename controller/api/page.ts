import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {pagePolicy} from './headers.ts';

/** What is served beside the API, by its path: read once, so that no request ever touches the file system. */
export type Page = ReadonlyMap<string, {type: string; body: string}>;

/**
 * The page as scripts/build.sh left it in `folder` (build/web). Script and style are served under names that hold their
 * digests, and the page names the digests again. Null when they were not built.
 */
export function readPage(folder: string): Page | null {
  let template: string, script: string, style: string;
  try {
    [template, script, style] = ['index.html', 'app.js', 'app.css'].map(name =>
      readFileSync(join(folder, name), 'utf8'),
    ) as [string, string, string];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const asset = (body: string, extension: string) => {
    const digest = createHash('sha384').update(body).digest();
    return {
      path: `/app-${digest.toString('hex').slice(0, 16)}.${extension}`,
      integrity: `sha384-${digest.toString('base64')}`,
    };
  };
  const [js, css] = [asset(script, 'js'), asset(style, 'css')];
  const html = template
    .replace('src="app.js"', `src="${js.path}" integrity="${js.integrity}"`)
    .replace('href="app.css"', `href="${css.path}" integrity="${css.integrity}"`);
  return new Map([
    ['/', {type: 'text/html; charset=utf-8', body: html}],
    [js.path, {type: 'text/javascript; charset=utf-8', body: script}],
    [css.path, {type: 'text/css; charset=utf-8', body: style}],
  ]);
}

const notBuilt =
  'The page was not built. Run "npm run build" where reeve is installed, then start the controller again.\n';

export function pageResponse(page: Page | null, path: string): Response | null {
  if (page === null && path === '/') {
    return new Response(notBuilt, {status: 503, headers: {'Content-Type': 'text/plain; charset=utf-8'}});
  }
  const file = page?.get(path);
  if (file === undefined) return null;
  return new Response(file.body, {headers: {'Content-Type': file.type, 'Content-Security-Policy': pagePolicy}});
}
