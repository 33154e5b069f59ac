// Replacements of parts of a path: text with $1, ${name} and $$.

const GROUP = /\$(?:\$|([0-9]{1,2})|\{([^{}]*)\})?/g;

/** A piece of text, or a group by its number or name. */
export type ReplacementPart = { readonly text: string } | { readonly group: number | string };

/** The groups of an expression. */
export interface ExpressionGroups {
  readonly count: number;
  readonly names: ReadonlySet<string>;
}

/** The parts of a replacement. A $ that begins nothing is text. */
export function replacementParts(replacement: string): readonly ReplacementPart[] {
  const parts: ReplacementPart[] = [];
  let end = 0;
  for (const match of replacement.matchAll(GROUP)) {
    if (match.index > end) parts.push({ text: replacement.slice(end, match.index) });
    parts.push(partOf(match));
    end = match.index + match[0].length;
  }
  if (end < replacement.length) parts.push({ text: replacement.slice(end) });
  return parts;
}

function partOf([, number, name]: RegExpExecArray): ReplacementPart {
  if (number !== undefined) return { group: Number(number) };
  if (name === undefined) return { text: '$' };
  return { group: /^[0-9]{1,2}$/.test(name) ? Number(name) : name };
}

/** Why a replacement cannot be used with these groups, as the end of a sentence; null: it can. */
export function replacementProblem(replacement: string, { count, names }: ExpressionGroups): string | null {
  if (/[\u0000-\u001f\u007f?#]/.test(replacement)) return 'must be a path alone, without a query';
  for (const part of replacementParts(replacement)) {
    if (!('group' in part)) continue;
    const { group } = part;
    const isKnown = typeof group === 'number' ? group <= count : names.has(group);
    if (!isKnown) return `has the unknown group ${group}`;
  }
  return null;
}
