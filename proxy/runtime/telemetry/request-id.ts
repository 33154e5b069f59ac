// The ids of requests of a rule, from `requestId` of TelemetryPolicies.
import type { PolicySettings } from '#api/policy/settings.ts';
import { REQUEST_ID_HEADER } from '../../exchange/request-id.ts';
import type { RequestIdPlan } from '../../exchange/request-id.ts';

type Settings = NonNullable<PolicySettings<'TelemetryPolicy'>['requestId']>;

/** Null: no policy asks for ids. */
export function requestIdPlan(settings: Settings | undefined): RequestIdPlan | null {
  if (settings === undefined || settings.enabled === false) return null;
  const { header = REQUEST_ID_HEADER, trustIncoming = false, echo = true } = settings;
  return Object.freeze({ header: header.toLowerCase(), trustIncoming, echo });
}
