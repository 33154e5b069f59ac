// Values of JSON in forms that have texts only.
import { ExactNumber, type Json } from './exact-json.ts';

/** The text of a value; null: it is an object or a list. */
export function scalarText(value: Json): string | null {
  if (value instanceof ExactNumber) return value.text;
  if (value === null) return '';
  return typeof value === 'object' ? null : String(value);
}
