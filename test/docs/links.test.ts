// Every link between pages leads to a file and a heading that are there, and the menu of the site has every page.
import { describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { PAGES } from '../../docs/.vitepress/pages.ts';
import { slugOf } from '../../docs/.vitepress/slug.ts';
import { anchorsOf, linksOf } from '../support/markdown.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..');
const OUTSIDE = new Set(['node_modules', '.cache', '.git']);

function pagesBelow(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(folder, entry.name);
    if (entry.isDirectory()) return OUTSIDE.has(entry.name) ? [] : pagesBelow(name);
    return entry.name.endsWith('.md') ? [name] : [];
  });
}

const pages = pagesBelow('.');
const docs = pages.filter((page) => page.startsWith('docs/'));
const textOf = (page: string) => readFileSync(path.join(ROOT, page), 'utf8');

/** What is wrong with the links of a page. */
function brokenLinks(page: string): string[] {
  return linksOf(textOf(page)).flatMap(({ line, target }) => {
    const [file = '', anchor] = target.split('#');
    if (/^[a-z]+:/.test(target)) return [];
    const found = file === '' ? page : path.join(path.dirname(page), file);
    if (!existsSync(path.join(ROOT, found))) return [`${page}:${line}: ${target}: there is no such file`];
    if (page.startsWith('docs/') && !found.startsWith('docs/')) return [`${page}:${line}: ${target}: the site has no such page`];
    if (anchor === undefined || statSync(path.join(ROOT, found)).isDirectory()) return [];
    return anchorsOf(textOf(found)).has(anchor) ? [] : [`${page}:${line}: ${target}: there is no such heading`];
  });
}

describe('links', () => {
  test('are found', () => {
    expect(linksOf('a [b](c.md#d) `[e](f)`\n```\n[g](h)\n```\n')).toEqual([{ line: 1, target: 'c.md#d' }]);
    expect([...anchorsOf('# What `x_y` is, and why\n## Two\n## Two\n')]).toEqual(['what-x_y-is-and-why', 'two', 'two-1']);
    expect(slugOf('HTTP/2')).toBe('http2');
  });

  test.each(pages)('of %s lead somewhere', (page) => expect(brokenLinks(page)).toEqual([]));
});

describe('the menu of the site', () => {
  test('has every page, once', () => {
    const listed = PAGES.flatMap(([, names]) => names.map((name) => `docs/${name}.md`));
    expect(listed.toSorted()).toEqual(docs.filter((page) => !page.startsWith('docs/adr/')).toSorted());
  });

  test('has pages that begin with a heading', () => {
    for (const page of docs) expect(`${page}: ${textOf(page).slice(0, 2)}`).toBe(`${page}: # `);
  });
});
