// Text of users for messages, escaped once when a filter is built. Schemas limit its length, not its characters, and the author of a route
// must not be able to inject a second header or request.

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Whether a header may have this name. */
export function isFieldName(name: string): boolean {
  return TOKEN.test(name);
}

/** A header value as bytes on the wire (UTF-8, one character per byte). Control characters become spaces, the ends are trimmed. */
export function fieldValue(text: string): string {
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  return bytes.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, ' ').replace(/^[ \t]+|[ \t]+$/g, '');
}

/**
 * A path or host name as bytes on the wire. Characters that a target cannot contain are escaped, also `?`, `#` and `\\`, which would end
 * it.
 */
export function targetText(text: string): string {
  return Buffer.from(text, 'utf8')
    .toString('latin1')
    .replace(/[^\x21-\x7e]|[?#\\]/g, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

const CONTROL = /[\u0000-\u001f\u007f]/;
const NOT_ASCII = /[^\u0000-\u007f]/;

/** The text as a field value (RFC 9110 section 5.5), other characters than ASCII as the bytes of UTF-8; null if it cannot be one. */
export function fieldBytes(text: string): string | null {
  const value = text.trim();
  if (value === '' || CONTROL.test(value)) return null;
  return NOT_ASCII.test(value) ? Buffer.from(value, 'utf8').toString('latin1') : value;
}
