// Failures of requests to a collector that got no answer.
import { quoted } from './answer.ts';
import type { Delivery } from './transport.ts';

/** A connection that fails, and an answer that does not come in time. */
export function failureOf(error: unknown): Delivery {
  const { name = '', code, message = '' } = error as { readonly name?: string; readonly code?: unknown; readonly message?: string };
  if (name === 'TimeoutError') return { kind: 'failed', afterMs: null, reason: 'it does not answer in time' };
  return { kind: 'failed', afterMs: null, reason: `it cannot be reached: ${quoted(typeof code === 'string' ? code : message)}` };
}
