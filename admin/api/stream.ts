// Answers that come in parts. Events have a comment now and then, so that a silent stream is not taken for a dead connection.
import { setTimeout as wait } from 'node:timers/promises';
import type { StreamBody } from './operation.ts';

/** The time without an event after which a comment is sent, milliseconds. The server cuts connections without progress later. */
export const HEARTBEAT_MS = 15_000;

/** The events with a comment after each silence. Ends when the signal does, also in the middle of a silence. */
export async function* withHeartbeats(
  body: StreamBody,
  signal: AbortSignal,
  heartbeatMs = HEARTBEAT_MS,
): AsyncGenerator<string | Uint8Array> {
  const parts = body[Symbol.asyncIterator]();
  try {
    let next = parts.next();
    while (!signal.aborted) {
      const silence = new AbortController();
      const ended = AbortSignal.any([signal, silence.signal]);
      const part = await Promise.race([next, wait(heartbeatMs, null, { signal: ended }).catch(() => null)]);
      silence.abort();
      if (signal.aborted) return;
      if (part === null) yield ':\n\n';
      else if (part.done === true) return;
      else {
        yield part.value;
        next = parts.next();
      }
    }
  } finally {
    // The source may still wait for its next part: it sees the same signal, and nothing waits for its end.
    parts.return?.().catch(() => undefined);
  }
}
