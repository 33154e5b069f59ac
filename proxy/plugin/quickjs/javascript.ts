// The JavaScript of a module.
import { err, ok, type Result } from '#lib/result.ts';
import type { ThreadData } from '../message.ts';
import { withoutTypes } from './without-types.ts';

/** The text of a module, without types. The reason if it has what is more than types. */
export function javascriptOf({ source, language }: Pick<ThreadData, 'source' | 'language'>): Result<string> {
  const text = Buffer.from(source).toString();
  if (language !== 'typescript') return ok(text);
  try {
    return ok(withoutTypes(text));
  } catch (error) {
    return err(error instanceof Error ? error.message : 'the types cannot be removed');
  }
}
