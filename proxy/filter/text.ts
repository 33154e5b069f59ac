// Text of users on its way into messages, made safe once when a filter is built. Schemas bound its length, not its characters,
// and whoever writes a route must not be able to write a second header, or a second request, with it.

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Whether a header may be called so. */
export function isFieldName(name: string): boolean {
  return TOKEN.test(name);
}

/** A header value as bytes on the wire (UTF-8, one character per byte). Control characters become spaces, ends are trimmed. */
export function fieldValue(text: string): string {
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  return bytes.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, ' ').replace(/^[ \t]+|[ \t]+$/g, '');
}

/** A path or host name as bytes on the wire: what a target cannot hold is escaped, `?`, `#` and `\\` included, since they would end it. */
export function targetText(text: string): string {
  return Buffer.from(text, 'utf8')
    .toString('latin1')
    .replace(/[^\x21-\x7e]|[?#\\]/g, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
