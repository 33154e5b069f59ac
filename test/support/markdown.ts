// Links and headings of Markdown pages, read from their text.
import { slugOf } from '../../docs/.vitepress/slug.ts';

/** A link as it stands in a page. */
export interface MarkdownLink {
  /** 1-based. */
  readonly line: number;
  readonly target: string;
}

/** Every link of a page, outside of code. */
export function linksOf(text: string): MarkdownLink[] {
  return proseOf(text).flatMap(({ line, prose }) => {
    const plain = prose.replace(/`[^`]*`/g, (code) => '`'.repeat(code.length));
    return [...plain.matchAll(/\]\(([^()\s]+)\)/g)].map((match) => ({ line, target: match[1] as string }));
  });
}

/** The anchors of all headings; a repeated heading gets a number, as on GitHub. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const { prose } of proseOf(text)) {
    const heading = /^#{1,6} (.*)$/.exec(prose)?.[1];
    if (heading === undefined) continue;
    const slug = slugOf(heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('`', ''));
    const names = [slug, ...Array.from({ length: 9 }, (_, index) => `${slug}-${index + 1}`)];
    anchors.add(names.find((name) => !anchors.has(name)) ?? slug);
  }
  return anchors;
}

/** Lines that are not in a fenced block of code. */
function proseOf(text: string): { readonly line: number; readonly prose: string }[] {
  let fence = false;
  return text.split('\n').flatMap((prose, index) => {
    const isFence = /^\s*```/.test(prose);
    if (isFence) fence = !fence;
    return isFence || fence ? [] : [{ line: index + 1, prose }];
  });
}

/** The rows of the table after a heading, without its head: the text of each cell. */
export function tableUnder(text: string, heading: string): readonly (readonly string[])[] {
  const lines = text.split('\n');
  const from = lines.findIndex((line, index) => index > lines.indexOf(heading) && line.startsWith('|'));
  const rest = lines.slice(from);
  const end = rest.findIndex((line) => !line.startsWith('|'));
  const rows = rest.slice(2, end < 0 ? rest.length : end);
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
