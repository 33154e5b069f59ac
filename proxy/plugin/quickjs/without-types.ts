// The JavaScript of a module in TypeScript.
import { stripTypeScriptTypes } from 'node:module';

/** Removes the types, and throws for what is more than types. Node warns at the first call that the function is experimental: no news for users. */
export function withoutTypes(text: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return stripTypeScriptTypes(text);
  } finally {
    process.emitWarning = emitWarning;
  }
}
