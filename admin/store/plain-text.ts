// Texts of callers for columns of the store.

/** The longest text, characters. */
const MAX_TEXT = 1_024;

/** The text, cut: PostgreSQL takes no NUL and no halves of surrogate pairs. */
export function plainText(text: string): string {
  const short = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
  return short.toWellFormed().replaceAll('\0', '\ufffd');
}
