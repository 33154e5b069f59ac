// The texts of error pages with variables such as {{status}}: their names, their parts, and what they may not contain.

/** The variables of a page. */
export const PAGE_VARIABLES = ['status', 'title', 'code', 'requestId', 'host', 'path'] as const;
export type PageVariable = (typeof PAGE_VARIABLES)[number];

/** A variable has the size of a path, so their number limits that of a page. */
const MAX_VARIABLES = 64;

const VARIABLE = /\{\{([^{}]*)\}\}/g;

/** Why a text cannot be a page, as the end of a sentence; null: it can. */
export function templateProblem(text: string): string | null {
  const names = [...text.matchAll(VARIABLE)].map(([, name = '']) => name.trim());
  const unknown = names.find((name) => !isVariable(name));
  if (unknown !== undefined) return `has the unknown variable {{${unknown.slice(0, 64)}}}: use ${PAGE_VARIABLES.join(', ')}`;
  return names.length > MAX_VARIABLES ? `has more than ${MAX_VARIABLES} variables` : null;
}

/** A piece of text, or a variable. */
export type PagePart = string | { readonly variable: PageVariable };

/** The parts of a page. A part to which `templateProblem` objects is text. */
export function parseTemplate(text: string): readonly PagePart[] {
  const parts: PagePart[] = [];
  let [end, variables] = [0, 0];
  for (const match of text.matchAll(VARIABLE)) {
    const variable = (match[1] ?? '').trim();
    if (!isVariable(variable) || variables === MAX_VARIABLES) continue;
    parts.push(text.slice(end, match.index), { variable });
    end = match.index + match[0].length;
    variables++;
  }
  return [...parts, text.slice(end)].filter((part) => part !== '');
}

function isVariable(name: string): name is PageVariable {
  return (PAGE_VARIABLES as readonly string[]).includes(name);
}

/** The forms of pages, by which their variables are escaped. */
export type PageForm = 'markup' | 'json' | 'text';

const FORMS: readonly (readonly [RegExp, PageForm])[] = [
  [/^(text\/html|(text|application)\/xml|[^/]+\/[^/]+\+xml)$/, 'markup'],
  [/^(application\/json|[^/]+\/[^/]+\+json)$/, 'json'],
  [/^text\/plain$/, 'text'],
];

/** The form of a media type with parameters; null if no page can have it. */
export function formOf(contentType: string): PageForm | null {
  const [type = '', ...parameters] = contentType
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  if (parameters.some((parameter) => parameter.startsWith('charset=') && parameter !== 'charset=utf-8')) return null;
  return FORMS.find(([pattern]) => pattern.test(type))?.[1] ?? null;
}
