// One probe of one run of a container: asked again and again, it tells when it has passed or failed often enough.
import { setTimeout as delay } from 'node:timers/promises';
import { perform } from './action.ts';
import type { ActionTarget, Failure } from './action.ts';
import type { Probe } from './objects.ts';

/** What the probe has come to hold of the container: null for well. */
export type Verdict = (failure: Failure) => void;

/** As the API server has them. */
const DEFAULTS = { initialDelaySeconds: 0, periodSeconds: 10, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 3 };

/** Probes until the signal. `verdict` is called when the thresholds are reached, and again with each result that confirms it. */
export async function watchOver(probe: Probe, target: ActionTarget, signal: AbortSignal, verdict: Verdict): Promise<void> {
  const { initialDelaySeconds, periodSeconds, timeoutSeconds, successThreshold, failureThreshold } = { ...DEFAULTS, ...probe };
  let passed = 0;
  let failed = 0;
  try {
    await delay(initialDelaySeconds * 1_000, null, { signal });
    for (;;) {
      const failure = await perform(probe, target, AbortSignal.any([signal, AbortSignal.timeout(timeoutSeconds * 1_000)]));
      if (signal.aborted) return;
      [passed, failed] = failure === null ? [passed + 1, 0] : [0, failed + 1];
      if (passed >= successThreshold || failed >= failureThreshold) verdict(failure);
      await delay(periodSeconds * 1_000, null, { signal });
    }
  } catch {
    // Only the signal ends a wait.
  }
}

/** Probes until it passes; resolves to null, or to why it failed for good. */
export async function passes(probe: Probe, target: ActionTarget, signal: AbortSignal): Promise<Failure> {
  const done = new AbortController();
  let result: Failure = 'it was stopped';
  await watchOver(probe, target, AbortSignal.any([signal, done.signal]), (failure) => {
    result = failure;
    done.abort();
  });
  return result;
}
