// Escapes and cuts text from clients for a line of the access log. Most texts need neither and cost only the check.
import { mayBeSecret, mayHoldCard, SECRET_MARKS } from '#lib/redaction/quick-check.ts';
import type { Redactor } from '#lib/redaction/redactor.ts';

/** The escapes that keep a text inside its field and line. */
export interface Escapes {
  /** Whether a character of ASCII needs no escape. */
  readonly plain: (code: number) => boolean;
  /** Escapes a character of ASCII. */
  readonly ascii: (code: number) => string;
  /** Escapes DEL and the controls from U+0080 to U+009F, which some terminals interpret. */
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

/** For text in quotes of JSON. */
export const JSON_ESCAPES: Escapes = {
  plain: (code) => code >= SPACE && code !== QUOTE && code !== BACKSLASH,
  ascii: (code) => (code < SPACE ? `\\u${hex(code, 4)}` : `\\${String.fromCharCode(code)}`),
  control: () => REPLACEMENT,
};

/** For text in quotes of a template, as in nginx and Apache. */
export const QUOTED_ESCAPES: Escapes = {
  plain: JSON_ESCAPES.plain,
  ascii: (code) => (code < SPACE ? `\\x${hex(code, 2)}` : `\\${String.fromCharCode(code)}`),
  control: (code) => `\\x${hex(code, 2)}`,
};

/** For text outside quotes of a template, where a space would begin another column. */
export const BARE_ESCAPES: Escapes = {
  plain: (code) => code > SPACE && code !== QUOTE && code !== BACKSLASH,
  ascii: (code) => (code <= SPACE ? `\\x${hex(code, 2)}` : `\\${String.fromCharCode(code)}`),
  control: QUOTED_ESCAPES.control,
};

/** 1 for each code below 128 that needs no escape. */
function plainCodes({ plain }: Escapes): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) => (code < DEL && plain(code) ? 1 : 0));
}

/**
 * A function that escapes texts. It cuts a text after `characters` and adds three dots. The result has at most
 * `2 * characters + 3` bytes.
 */
export function escaperOf(escapes: Escapes, characters: number): (text: string) => string {
  const plain = plainCodes(escapes);
  return (text) => {
    if (text.length > characters) return escapeSlowly(text, escapes, characters);
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      // Characters beyond ASCII always need a check.
      if (code >= 128 || plain[code] === 0) return escapeSlowly(text, escapes, characters);
    }
    return text;
  };
}

/** A secret that begins before the cut is hidden if it ends so many characters behind it. */
const BEYOND_CUT = 512;

/** The same for texts of clients: secrets are hidden first. Most texts cost the same loop only. */
export function redactingEscaperOf(escapes: Escapes, characters: number, redactor: Redactor): (text: string) => string {
  const escape = escaperOf(escapes, characters);
  const redact = (text: string): string => escape(redactor.text(text.length > characters ? text.slice(0, characters + BEYOND_CUT) : text));
  if (!redactor.isQuick) return redact;
  const plain = plainCodes(escapes);
  const unmarked = plain.slice();
  for (const mark of SECRET_MARKS) unmarked[mark] = 0;
  return (text) => {
    if (text.length > characters || mayHoldCard(text)) return redact(text);
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code < 128 && unmarked[code] === 1) continue;
      if (code >= 128 || plain[code] === 0 || mayBeSecret(text, i)) return redact(text);
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
  // Some readers treat these as line breaks.
  if (code === LINE_SEPARATOR || code === PARAGRAPH_SEPARATOR) return `\\u${hex(code, 4)}`;
  // Half of a surrogate pair is not a character.
  return code >= 0xd800 && code <= 0xdfff ? REPLACEMENT : String.fromCodePoint(code);
}
