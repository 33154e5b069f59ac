// The injected faults of a BackendTrafficPolicy.
import type { PolicySettings } from '#api/policy/settings.ts';
import { ERRORS, withStatuses } from '../../exchange/errors.ts';
import { GRPC_STATUS } from '../../exchange/grpc-status.ts';
import type { FaultPlan } from '../../exchange/plan.ts';

type FaultInjection = NonNullable<PolicySettings<'BackendTrafficPolicy'>['faultInjection']>;

/** The share if a fault is set without one, percent. */
const ALL = 100;

/** Null without a fault. */
export function faultPlan({ header, delay, abort }: FaultInjection = {}): FaultPlan | null {
  const plan = {
    header: header === undefined ? null : header.toLowerCase(),
    delay: delay?.fixed ?? 0,
    delayShare: delayShare(delay),
    abortShare: abort === undefined ? 0 : (abort.percent ?? ALL) / 100,
    abort: abortError(abort),
  };
  return plan.delayShare === 0 && plan.abortShare === 0 ? null : plan;
}

function delayShare({ percent = ALL, fixed = 0 }: FaultInjection['delay'] = {}): number {
  return fixed === 0 ? 0 : percent / 100;
}

function abortError({ status = ERRORS.faultInjected.status, grpcStatus = GRPC_STATUS.unavailable }: FaultInjection['abort'] = {}) {
  return withStatuses(ERRORS.faultInjected, status, grpcStatus);
}
