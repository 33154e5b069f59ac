// XBackendTrafficPolicy of the Gateway API, experimental channel (GEP-3388): the retry budget of a backend, and its sessions (GEP-1619).
import { policyKind, type TargetKind } from './policy.ts';
import { choice, count, duration, group, SESSION_NAME } from './setting.ts';
import { WEIR_GROUP } from './schema.ts';

/** The settings with an effect; of the others the status says that they have none. */
const IN_EFFECT = ['retryConstraint', 'sessionPersistence'];
const SERVICE: TargetKind = { group: '', kind: 'Service', section: null, settings: IN_EFFECT };
const BACKEND: TargetKind = { group: WEIR_GROUP, kind: 'Backend', section: null, settings: IN_EFFECT };

export const xBackendTrafficPolicy = policyKind({
  apiVersion: 'gateway.networking.x-k8s.io/v1alpha1',
  kind: 'XBackendTrafficPolicy',
  plural: 'xbackendtrafficpolicies',
  shortNames: ['xbtrafficpolicy'],
  description:
    'The retry budget and the sessions of a backend, as the Gateway API has them. Fields of a BackendTrafficPolicy for the same backend win.',
  targets: [SERVICE, BACKEND],
  appliesTo: 'backend',
  mergedInto: 'BackendTrafficPolicy',
  // A proxy without it limits no retries.
  additions: [{ capability: 'x-backend-traffic-policy', path: '', otherwise: 'remove' }],
  settings: {
    retryConstraint: group('The most attempts beyond the first for the backend.', {
      budget: group('Their share of the requests.', {
        percent: count('The share.', { minimum: 0, maximum: 100 }),
        interval: duration('The time in which requests and attempts are counted.'),
      }),
      minRetryRate: group('Attempts that are allowed even if that is more than the share.', {
        count: count('Their number in the interval.', { minimum: 1, maximum: 1_000_000 }),
        interval: duration('The time for the number.'),
      }),
    }),
    sessionPersistence: group('Requests of a session go to one endpoint, as long as it is usable.', {
      sessionName: SESSION_NAME,
      absoluteTimeout: duration('The life of a session.'),
      idleTimeout: duration('The longest pause of a session.'),
      type: choice('Where the session is kept.', ['Cookie', 'Header']),
      cookieConfig: group('The cookie.', { lifetimeType: choice('The life of the cookie.', ['Permanent', 'Session']) }),
    }),
  },
});
