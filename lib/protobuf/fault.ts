// The reason why bytes, text or descriptors are refused. It ends the work from any depth; the functions for callers return it as a value.
import { err, ok } from '../result.ts';
import type { Result } from '../result.ts';

export class ProtobufFault extends Error {
  override readonly name = 'ProtobufFault';
}

/** Runs work that may be refused. */
export function guarded<T>(work: () => T): Result<T> {
  try {
    return ok(work());
  } catch (fault) {
    if (fault instanceof ProtobufFault) return err(fault.message);
    throw fault;
  }
}
