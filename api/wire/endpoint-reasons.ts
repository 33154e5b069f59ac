// The reasons of endpoints in reports of proxies that other places than the proxy treat in a special way.

/** Too many endpoints are ejected for all ejections to count: this one is used in spite of its own. */
export const EJECTED_IN_USE = 'ejectedInUse';

/** Reasons with which proxies use an endpoint. */
const IN_USE: ReadonlySet<string> = new Set(['forcedIn', EJECTED_IN_USE]);

/** Whether a proxy avoids an endpoint for this reason. Reasons of a later release count as such. */
export function isAgainst(reason: string): boolean {
  return !IN_USE.has(reason);
}

/** The reason as text for people. */
export function reasonText(reason: string): string {
  return reason === EJECTED_IN_USE ? 'ejected beyond maxEjectionPercent, so still used,' : reason;
}
