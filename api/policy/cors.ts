// The CORS of policies: the matcher compares it for preflights, and the filter applies it.
import type { Cors } from '../ir/ir.ts';
import { requestTargets, type PolicyIndex, type TargetedRoute } from './layers.ts';
import type { PolicySettings } from './settings.ts';

type Settings = NonNullable<PolicySettings<'SecurityPolicy'>['cors']>;

const DEFAULT_MAX_AGE_MS = 5_000;

/** The settings in the form of the CORS filter of a rule. */
export function corsOf(settings: Settings): Cors {
  const { allowOrigins = [], allowMethods = [], allowHeaders = [], exposeHeaders = [], allowCredentials = false, maxAge } = settings;
  return {
    type: 'CORS',
    allowOrigins: [...allowOrigins],
    allowMethods: [...allowMethods],
    allowHeaders: [...allowHeaders],
    exposeHeaders: [...exposeHeaders],
    allowCredentials,
    maxAge: Math.floor((maxAge ?? DEFAULT_MAX_AGE_MS) / 1_000),
  };
}

/** The CORS of the nearest policy for requests that arrive at a listener (key) and match a rule, as text; '' without one. */
export function policyCors(policies: PolicyIndex, route: TargetedRoute, listener: string): string {
  const nearest = policies
    .layers('SecurityPolicy', requestTargets(route, listener, null))
    .find(({ policy }) => policy.settings['cors'] !== undefined);
  return nearest === undefined ? '' : JSON.stringify(corsOf(nearest.policy.settings['cors'] as Settings));
}
