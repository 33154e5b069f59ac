// Regular expressions of paths. Users write them like URLs, but they are matched with normalised paths (normalise.ts). So the literal text
// in an expression is normalised; the syntax around it stays.

/** A piece of an expression: literal text, text in `\Q...\E`, a class in brackets, or other syntax. */
interface Piece {
  readonly kind: 'text' | 'quoted' | 'class' | 'syntax';
  readonly text: string;
}

function* piecesOf(expression: string): Generator<Piece> {
  let start = 0;
  while (start < expression.length) {
    const kind = kindAt(expression, start);
    const end = ENDS[kind](expression, start);
    yield { kind, text: expression.slice(start, end) };
    start = end;
  }
}

const URL_ESCAPE = /%[0-9A-Fa-f]{2}/y;

function isUrlEscape(expression: string, at: number): boolean {
  URL_ESCAPE.lastIndex = at;
  return URL_ESCAPE.test(expression);
}

function kindAt(expression: string, at: number): Piece['kind'] {
  const character = expression.charAt(at);
  if (character === '[') return 'class';
  if (character !== '\\' || isUrlEscape(expression, at + 1)) return 'text';
  return expression.charAt(at + 1) === 'Q' ? 'quoted' : 'syntax';
}

/** The end of a piece that starts at `start`. */
const ENDS: Readonly<Record<Piece['kind'], (expression: string, start: number) => number>> = {
  text: (expression, start) => {
    const first = expression.charAt(start) === '\\' ? start + 1 : start;
    return isUrlEscape(expression, first) ? first + 3 : afterCharacter(expression, first);
  },
  quoted: (expression, start) => {
    const end = expression.indexOf('\\E', start + 2);
    return end === -1 ? expression.length : end + 2;
  },
  class: classEnd,
  syntax: (expression, start) => afterCharacter(expression, start + 1),
};

function afterCharacter(text: string, at: number): number {
  return at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
}

/** A `]` in the first position is literal, and so are those in escapes and in named classes. */
function classEnd(expression: string, start: number): number {
  let i = start + (expression.charAt(start + 1) === '^' ? 2 : 1);
  if (expression.charAt(i) === ']') i++;
  while (i < expression.length && expression.charAt(i) !== ']') {
    const named = expression.startsWith('[:', i) ? expression.indexOf(':]', i + 2) : -1;
    if (named !== -1) i = named + 2;
    else i += expression.charAt(i) === '\\' ? 2 : 1;
  }
  return Math.min(i + 1, expression.length);
}

/** The expression with normalised literals. A valid RE2 expression stays valid. */
export function normaliseExpression(expression: string): string {
  if (!/[% \u0080-\uffff]/.test(expression)) return expression;
  let normal = '';
  for (const { kind, text } of piecesOf(expression)) {
    if (kind === 'quoted') normal += normaliseText(text);
    else normal += kind === 'text' ? normaliseTextPiece(text) : text;
  }
  return normal;
}

/** In a group if the text became longer, so that a repetition still applies to all of it. */
function normaliseTextPiece(text: string): string {
  const plain = text.startsWith('\\') ? text.slice(1) : text;
  const normal = normaliseText(plain);
  if (normal.length > plain.length) return `(?:${normal})`;
  return normal === '.' && plain !== '.' ? '\\.' : normal;
}

/** RFC 3986 section 6.2.2, and escapes for characters that a path cannot contain. */
function normaliseText(text: string): string {
  return text.replace(/%[0-9A-Fa-f]{2}|[ \u{80}-\u{10ffff}]/gu, (part) => {
    if (part.length !== 3 || !part.startsWith('%')) return encodeURIComponent(part.toWellFormed());
    const character = String.fromCharCode(Number.parseInt(part.slice(1), 16));
    return /[A-Za-z0-9._~-]/.test(character) ? character : part.toUpperCase();
  });
}

const NOT_IN_PATHS = 'which paths hold as %XX alone';

/** The reason why no normalised path can match the expression, as far as that is obvious; otherwise null. */
export function expressionDoubt(expression: string): string | null {
  let hexDigits = 0;
  for (const { kind, text } of piecesOf(expression)) {
    const doubt = kind === 'class' ? classDoubt(text, hexDigits > 0) : pieceDoubt(text);
    if (doubt !== null) return doubt;
    if (text === '%' || text === '\\%') hexDigits = 2;
    else if (hexDigits > 0 && /^[a-f]$/.test(text)) return 'holds a part of an escape in small letters, and paths have capitals there';
    else hexDigits--;
  }
  return null;
}

function pieceDoubt(text: string): string | null {
  if (text === '\\?') return 'holds "?", where a path ends: conditions on the query are queryParams';
  if (text === '#' || text === '\\#') return 'holds "#", which no path has';
  return text === '\\p' ? `holds a class of letters ${NOT_IN_PATHS}` : null;
}

function classDoubt(text: string, inEscape: boolean): string | null {
  if (text.startsWith('[^')) return null;
  if (/[ \u0080-\uffff]|\\p/.test(text)) return `holds a class of characters ${NOT_IN_PATHS}`;
  return inEscape && /[a-f]/.test(text) && !/[A-F]/.test(text)
    ? 'holds a class of small letters in an escape, and paths have capitals there'
    : null;
}
