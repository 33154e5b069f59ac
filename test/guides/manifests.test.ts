// `weir validate` accepts every manifest of the docs and examples.
import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { findingsOf } from '../../cli/validate.ts';
import { parseDocuments } from '../../controller/watch/documents.ts';
import { readOnce } from '../../controller/watch/folder.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..');
const PAGES = ['README.md', ...readdirSync(path.join(ROOT, 'docs'), { recursive: true }).map((name) => path.join('docs', String(name)))]
  .filter((name) => name.endsWith('.md'))
  .sort();
/** Programs, which have tests of their own. */
const PROGRAMS = ['plugin', 'processor'];
const EXAMPLES = readdirSync(path.join(ROOT, 'examples'))
  .filter((name) => !PROGRAMS.includes(name))
  .map((name) => path.join('examples', name));

/** Blocks of YAML or JSON with complete objects; a block without a kind shows a part of one. */
function blocksOf(page: string): readonly { readonly line: number; readonly text: string }[] {
  const text = readFileSync(path.join(ROOT, page), 'utf8');
  return [...text.matchAll(/^```(?:ya?ml|json)\n([^]*?)^```/gm)]
    .map(({ index, 1: block = '' }) => ({ line: text.slice(0, index).split('\n').length, text: block }))
    .filter((block) => /^\s*(?:"kind"|kind):/m.test(block.text));
}

describe('the docs', () => {
  test.each(PAGES.flatMap((page) => blocksOf(page).map(({ line, text }) => [`${page}:${line}`, text] as const)))('%s', (place, text) => {
    const { objects, problems, skipped } = parseDocuments(place, text);
    // Guides that lead here from other gateways show the kinds of those, which are warnings.
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(objects.length + skipped.length + problems.length).toBeGreaterThan(0);
  });
});

describe('the examples', () => {
  test.each(EXAMPLES)('%s', async (folder) => {
    const content = await readOnce([path.join(ROOT, folder)]);
    expect(findingsOf(content)).toEqual([]);
    expect(content.skipped).toEqual([]);
    expect(content.objects.length).toBeGreaterThan(0);
  });
});
