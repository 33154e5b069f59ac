// Clients choose much of the text in a line of the access log. Each text is looked through, and escaped and cut where it has to be.
// Most need neither, so that the look is all they cost.

/** A way to write a text so that nothing in it ends it, or the line. */
export interface Escapes {
  /** Whether a character of ASCII stands for itself. */
  readonly plain: (code: number) => boolean;
  /** Writes a character of ASCII that does not. */
  readonly ascii: (code: number) => string;
  /** Writes DEL and the controls from U+0080 to U+009F, which some terminals obey. */
  readonly control: (code: number) => string;
}

const REPLACEMENT = '\ufffd';
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const DEL = 0x7f;
const LAST_CONTROL = 0x9f;
const LINE_SEPARATOR = 0x2028;
const PARAGRAPH_SEPARATOR = 0x2029;

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');

/** Inside the quotes of JSON. */
export const JSON_ESCAPES: Escapes = {
  plain: (code) => code >= SPACE && code !== QUOTE && code !== BACKSLASH,
  ascii: (code) => (code < SPACE ? `\\u${hex(code, 4)}` : `\\${String.fromCharCode(code)}`),
  control: () => REPLACEMENT,
};

/** Inside quotes of a template, as nginx and Apache escape. */
export const QUOTED_ESCAPES: Escapes = {
  plain: JSON_ESCAPES.plain,
  ascii: (code) => (code < SPACE ? `\\x${hex(code, 2)}` : `\\${String.fromCharCode(code)}`),
  control: (code) => `\\x${hex(code, 2)}`,
};

/** Outside of quotes of a template: a space would begin another column. */
export const BARE_ESCAPES: Escapes = {
  plain: (code) => code > SPACE && code !== QUOTE && code !== BACKSLASH,
  ascii: (code) => (code <= SPACE ? `\\x${hex(code, 2)}` : `\\${String.fromCharCode(code)}`),
  control: QUOTED_ESCAPES.control,
};

/** For each code below 128 a 1 where it needs no look. */
function plainCodes({ plain }: Escapes): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) => (code < DEL && plain(code) ? 1 : 0));
}

/**
 * A function that writes texts so. It keeps so many characters of a text, and three dots follow where it is longer. The
 * result takes at most two bytes for each of them, and three.
 */
export function escaperOf(escapes: Escapes, characters: number): (text: string) => string {
  const plain = plainCodes(escapes);
  return (text) => {
    if (text.length > characters) return escapeSlowly(text, escapes, characters);
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      // Beyond ASCII nothing is plain.
      if (code >= 128 || plain[code] === 0) return escapeSlowly(text, escapes, characters);
    }
    return text;
  };
}

function escapeSlowly(text: string, escapes: Escapes, characters: number): string {
  let [escaped, bytes] = ['', 0];
  for (let i = 0; i < text.length && i < characters; i++) {
    const code = text.codePointAt(i) as number;
    const piece = pieceOf(code, escapes);
    bytes += Buffer.byteLength(piece);
    if (bytes > 2 * characters) return `${escaped}...`;
    escaped += piece;
    if (code > 0xffff) i++;
  }
  return text.length > characters ? `${escaped}...` : escaped;
}

function pieceOf(code: number, { plain, ascii, control }: Escapes): string {
  if (code < DEL) return plain(code) ? String.fromCharCode(code) : ascii(code);
  if (code <= LAST_CONTROL) return control(code);
  // Some readers take them for the end of a line.
  if (code === LINE_SEPARATOR || code === PARAGRAPH_SEPARATOR) return `\\u${hex(code, 4)}`;
  // Half of a pair is no character.
  return code >= 0xd800 && code <= 0xdfff ? REPLACEMENT : String.fromCodePoint(code);
}
