// The body of a publication as the data of a message: JSON without line breaks.
import { isUtf8 } from 'node:buffer';

/** Null: it is not JSON, or not text, as its type says. Without a type it is JSON. */
export function publishedData(contentType: string, body: Buffer): string | null {
  const type = (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
  if (!isUtf8(body)) return null;
  const text = body.toString();
  if (type === 'text/plain') return JSON.stringify(text);
  if (type !== '' && type !== 'application/json' && !type.endsWith('+json')) return null;
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  // Line breaks are only between tokens: within texts JSON escapes them.
  return text.replace(/[\r\n]/g, ' ').trim();
}
