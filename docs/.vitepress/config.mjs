// The site of the documentation: `npm run docs` builds it into .cache/docs.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DECISIONS, PAGES } from './pages.ts';
import { slugOf } from './slug.ts';

const DOCS = path.resolve(import.meta.dirname, '..');

/** The first heading of a page. */
function titleOf(page) {
  const [, title = page] = /^# (.*)$/m.exec(readFileSync(path.join(DOCS, `${page}.md`), 'utf8')) ?? [];
  return title.replaceAll('`', '');
}

function entryOf(page) {
  return { text: titleOf(page), link: `/${page === 'index' ? '' : page}` };
}

/** Vue takes double braces for its own, except in elements with v-pre; VitePress marks only fenced code in this way. */
function keepBraces({ renderer: { rules } }) {
  for (const name of ['code_inline', 'code_block']) {
    const render = rules[name];
    rules[name] = (tokens, i, ...rest) => {
      tokens[i].attrSet('v-pre', '');
      return render(tokens, i, ...rest);
    };
  }
}

const decisions = readdirSync(path.join(DOCS, 'adr'))
  .filter((name) => name.endsWith('.md'))
  .sort();

export default {
  title: 'Weir',
  description: 'A Kubernetes-native API gateway',
  outDir: process.env.WEIR_DOCS_OUT ?? path.resolve(DOCS, '..', '.cache', 'docs'),
  cacheDir: path.resolve(DOCS, '..', '.cache', 'docs-cache'),
  lastUpdated: false,
  markdown: { anchor: { slugify: slugOf }, config: keepBraces },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    sidebar: [
      ...PAGES.map(([text, pages]) => ({ text, items: pages.map(entryOf) })),
      { text: DECISIONS, collapsed: true, items: decisions.map((name) => entryOf(`adr/${name.slice(0, -'.md'.length)}`)) },
    ],
  },
};
