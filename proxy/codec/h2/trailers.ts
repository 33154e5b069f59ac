// The header list at the end of a message.
import type { Headers } from '../../exchange/headers.ts';
import { mayBeTrailer } from '../h1/field-names.ts';
import { fieldKind, isValue } from './field-kinds.ts';

/** The trailers of a message that may be forwarded, or null if they make it malformed. */
export function takeTrailers(list: readonly string[]): Headers | null {
  const trailers: Headers = [];
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i] as string;
    const value = list[i + 1] as string;
    const kind = fieldKind(name);
    if (kind === 'malformed' || name.charCodeAt(0) === 0x3a || !isValue(value)) return null;
    if (mayBeTrailer(name, kind)) trailers.push(name, value);
  }
  return trailers;
}
