// The fallback of a BackendTrafficPolicy.
import type { PolicySettings } from '#api/policy/settings.ts';
import type { FallbackPlan } from '../../exchange/plan.ts';

type Response = NonNullable<NonNullable<PolicySettings<'BackendTrafficPolicy'>['fallback']>['response']>;

/** Null without a fixed answer. */
export function fallbackPlan({ response }: PolicySettings<'BackendTrafficPolicy'>['fallback'] = {}): FallbackPlan | null {
  return response === undefined ? null : answer(response);
}

function answer({ status = 503, contentType = 'text/plain; charset=utf-8', body = '' }: Response): FallbackPlan {
  return { status, headers: ['content-type', contentType, 'cache-control', 'no-store'], body: Buffer.from(body) };
}
