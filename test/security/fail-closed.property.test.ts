// Whatever order objects come and go in, and however a batch is cut: a request that a policy should refuse is never served.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { closeAfterEach, get } from '../support/fixture.ts';
import { status } from '../support/message.ts';
import { type Manifest } from '../support/objects.ts';
import { manifest, SecurityRig, securityPolicy } from './rig.ts';

closeAfterEach();

const ALL = '127.0.0.0/8';
const GATEWAY = { kind: 'Gateway', name: 'gw' };
const RULE = { kind: 'HTTPRoute', name: 'app', sectionName: 'all' };

/** Policies of which each refuses the request of the test, or is wrong. */
const GUARDS: readonly Manifest[] = [
  securityPolicy('guard', { ipAccess: { deny: [ALL] } }),
  securityPolicy('guard', { ipAccess: { allow: ['192.0.2.0/24'] } }),
  securityPolicy('guard', { ipAccess: { deny: ['127.0.0.1/33'] } }),
  securityPolicy('guard', { ipAccess: 'everybody' }),
  securityPolicy('guard', { ipAccess: { deny: [ALL] } }, RULE),
  securityPolicy('guard', { ipAccess: { deny: [ALL] } }, GATEWAY),
  securityPolicy('guard', { authentication: { basic: { users: { secretRef: { name: 'users' }, key: 'htpasswd' } } } }),
  securityPolicy('guard', { authentication: { basic: { users: { secretRef: { name: 'users', namespace: 'team' }, key: 'htpasswd' } } } }),
];

/** An object of another namespace that a policy may refer to. */
function users(namespace: string, entry: string): Manifest {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'users', namespace }, stringData: { [entry]: 'ann:$2b$10$x' } };
}

/** Permits the references to it. */
const GRANT: Manifest = {
  ...manifest('ReferenceGrant', 'users', {
    from: [{ group: 'gateway.weir.dev', kind: 'SecurityPolicy', namespace: 'default' }],
    to: [{ group: '', kind: 'Secret' }],
  }),
  metadata: { name: 'users', namespace: 'team' },
};

/** Objects that come and go beside it, none of which lifts the protection. */
const OTHERS: readonly Manifest[] = [
  securityPolicy('headers', { securityHeaders: { frameOptions: 'Deny' } }, GATEWAY),
  securityPolicy('zz-newer', { securityHeaders: { frameOptions: 'Deny' } }),
  users('default', 'a'),
  users('default', 'htpasswd'),
  users('team', 'a'),
  users('team', 'htpasswd'),
  GRANT,
  { apiVersion: 'v1', kind: 'Service', metadata: { name: 'auth' }, spec: { ports: [{ port: 80 }] } },
  manifest('HTTPRoute', 'other', { parentRefs: [{ name: 'gw' }], rules: [{ matches: [{ path: { value: '/other' } }] }] }),
];

const REFUSED = new Set([401, 403, 500]);

type Step = { readonly guard: number } | { readonly put: number } | { readonly remove: number };
const AnyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ guard: fc.nat(GUARDS.length - 1) }),
  fc.record({ put: fc.nat(OTHERS.length - 1) }),
  fc.record({ remove: fc.nat(OTHERS.length - 1) }),
);

test('a protected route is never served unprotected', async () => {
  const rig = await SecurityRig.start([GUARDS[0]!]);
  await fc.assert(
    fc.asyncProperty(fc.array(AnyStep, { minLength: 1, maxLength: 10 }), async (steps) => {
      for (const step of steps) {
        if ('guard' in step) await rig.change([GUARDS[step.guard]!]);
        else if ('put' in step) await rig.change([OTHERS[step.put]!]);
        else await rig.change([], [OTHERS[step.remove]!]);
        expect(REFUSED).toContain(status(await rig.ask(get())));
      }
    }),
    { numRuns: 40 },
  );
});
