// The limits of WebSockets of a BackendTrafficPolicy.
import type { PolicySettings } from '#api/policy/settings.ts';
import type { WebSocketPlan } from '../../exchange/plan.ts';

/** Null without limits for WebSockets. */
export function webSocketPlan(policy: NonNullable<PolicySettings<'BackendTrafficPolicy'>['webSocket']> = {}): WebSocketPlan | null {
  if (Object.values(policy).every((value) => value === 0)) return null;
  return {
    maxFrameBytes: policy.frame ?? 0,
    maxMessageBytes: policy.message ?? 0,
    messagesPerSecond: policy.messagesPerSecond ?? 0,
    idle: policy.idle ?? 0,
    lifetime: policy.lifetime ?? 0,
    ping: policy.ping ?? 0,
    maxConnections: policy.connections ?? 0,
  };
}
