// Pointers into JSON (RFC 6901), with * for every member or element.
import { err, ok, type Result } from './result.ts';

/** Every member of an object, or every element of a list. */
export const EACH: unique symbol = Symbol('each');

/** A step of a pointer: the name of a member or the index of an element, or all of them. */
export type PointerStep = string | typeof EACH;

const MAX_STEPS = 16;

/** The steps of a pointer such as /items/*\/name; `~1` is a slash, `~0` a tilde. The error is a sentence without its subject. */
export function parsePointer(text: string): Result<readonly PointerStep[]> {
  if (!text.startsWith('/')) return err('must be a pointer that starts with /, such as /user/name');
  if (/~(?![01])/.test(text)) return err('must write ~ as ~0 and / as ~1 in names');
  const steps = text.slice(1).split('/');
  if (steps.length > MAX_STEPS) return err(`must have at most ${MAX_STEPS} steps`);
  return ok(steps.map((step) => (step === '*' ? EACH : step.replaceAll('~1', '/').replaceAll('~0', '~'))));
}
