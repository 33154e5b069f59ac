// One probe for one run of a container: repeats it, and reports when a threshold is reached.
import { setTimeout as delay } from 'node:timers/promises';
import { perform } from './action.ts';
import type { ActionTarget, Failure } from './action.ts';
import type { Probe } from './objects.ts';

/** The verdict of the probe: null means healthy. */
export type Verdict = (failure: Failure) => void;

/** The defaults of the API server. */
const DEFAULTS = { initialDelaySeconds: 0, periodSeconds: 10, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 3 };

/** Probes until the signal. Calls `verdict` when a threshold is reached, and with each later result that confirms it. */
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

/** Probes until success; resolves to null, or to the reason of the final failure. */
export async function passes(probe: Probe, target: ActionTarget, signal: AbortSignal): Promise<Failure> {
  const done = new AbortController();
  let result: Failure = 'it was stopped';
  await watchOver(probe, target, AbortSignal.any([signal, done.signal]), (failure) => {
    result = failure;
    done.abort();
  });
  return result;
}
