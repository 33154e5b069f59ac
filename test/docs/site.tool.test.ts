// The built site has every page, and every link of it leads to a page and an anchor of the site.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PAGES } from '../../docs/.vitepress/pages.ts';
import { buildSite } from './site.ts';

let folder = '';
let pages = new Map<string, string>();

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-site-'));
  buildSite(folder);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.html'));
  pages = new Map(files.map((name) => [`/${name}`, readFileSync(path.join(folder, name), 'utf8')]));
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The page that a link of another leads to, and its anchor. */
function resolve(from: string, href: string): { readonly page: string; readonly anchor: string } {
  const { pathname, hash } = new URL(href, `http://site${from}`);
  const name = pathname.endsWith('/') ? `${pathname}index.html` : pathname;
  return { page: name.endsWith('.html') ? name : `${name}.html`, anchor: decodeURIComponent(hash.slice(1)) };
}

/** Whether the anchor is there; an empty one is. */
function hasAnchor(page: string, anchor: string): boolean {
  const html = pages.get(page);
  return html !== undefined && (anchor === '' || html.includes(` id="${anchor}"`));
}

describe('the site', () => {
  test('has every page of the menu', () => {
    const names = PAGES.flatMap(([, group]) => group.map((name) => `/${name}.html`));
    expect(names.filter((name) => !pages.has(name))).toEqual([]);
  });

  test('has no link that leads nowhere', () => {
    const broken = [...pages].flatMap(([from, html]) => {
      const links = [...html.matchAll(/<a [^>]*href="([^"]+)"/g)].map((match) => (match[1] as string).replaceAll('&amp;', '&'));
      const internal = links.filter((href) => !/^[a-z]+:/.test(href));
      return internal
        .filter((href) => {
          const { page, anchor } = resolve(from, href);
          return !hasAnchor(page, anchor);
        })
        .map((href) => `${from}: ${href}`);
    });
    expect(broken).toEqual([]);
  });

  test('keeps braces and angle brackets of the text', () => {
    expect(pages.get('/reference/metrics.html')).toContain('&lt;namespace&gt;/&lt;name&gt;');
    const policies = pages.get('/reference/policies.html');
    expect(policies).toContain('>{{requestId}}</code>');
    expect(policies).toContain('&quot;title&quot;:&quot;{{title}}&quot;');
  });
});
