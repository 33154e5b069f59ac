// The reference of the chart's values as Markdown, generated from values.yaml.
import type { Value } from './values.ts';

const GENERAL = 'General';

/** One table per top-level group, and one for values without a group. */
export function valuesReference(values: readonly Value[]): string {
  const groups = Map.groupBy(values, ({ path, isGroup }) => (path.includes('.') || isGroup ? (path.split('.')[0] ?? '') : GENERAL));
  return [...groups].map(([name, group]) => section(name, group)).join('\n');
}

function section(name: string, values: readonly Value[]): string {
  const head = values.find(({ path }) => path === name)?.comment ?? [];
  const rows = values.filter(({ isGroup }) => !isGroup).map((value) => row(value, values));
  const intro = head.length === 0 ? '' : `${sentence(head)}\n\n`;
  return `## ${name}\n\n${intro}| Value | Default | Meaning |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}

/** A row of a table. The first value of a nested group also has the comment of the group. */
function row({ path, comment, default: value }: Value, all: readonly Value[]): string {
  const group = all.find((other) => other.isGroup && other.path === path.slice(0, path.lastIndexOf('.')));
  const first = all.find((other) => other.path.startsWith(`${group?.path ?? ''}.`))?.path === path;
  const ofGroup = group !== undefined && first && group.path.includes('.') ? group.comment : [];
  return `| \`${path}\` | \`${JSON.stringify(value)}\` | ${[ofGroup, comment].map(sentence).join(' ').trim()} |`;
}

/** Keeps the line breaks of indented lists. */
function sentence(lines: readonly string[]): string {
  let text = '';
  let isList = false;
  for (const line of lines) {
    const isItem = line.startsWith(' ');
    text += text === '' ? '' : isItem || isList ? '<br>' : ' ';
    text += line.trim();
    isList = isItem;
  }
  return text.replaceAll('|', '\\|');
}
