// A controller without --session-secret, with a real API server: the policy that asks for sessions learns that it has none.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { gateway, gatewayClass, listOf } from '../support/objects.ts';

const POLICY = {
  apiVersion: 'gateway.weir.dev/v1alpha1',
  kind: 'BackendTrafficPolicy',
  metadata: { name: 'sticky' },
  spec: {
    targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'gw' }],
    loadBalancer: { sessionPersistence: { type: 'Cookie' } },
  },
};

describeWith(['cluster'], 'a controller without --session-secret', () => {
  let plane: ControlPlane;

  beforeAll(async () => {
    plane = await ControlPlane.start((cluster) => cluster.apply(listOf(gatewayClass(), gateway('gw', [{ name: 'http', port: 80 }]))));
  });

  afterAll(() => plane?.stop());

  test('says in its log and in the status that proxies keep no sessions', async () => {
    await plane.cluster.apply(JSON.stringify(POLICY));
    const missing = { type: 'UnsupportedFields', status: 'True', reason: 'UnsupportedValue' };
    await plane.until('backendtrafficpolicy', 'sticky', ({ ancestors }) => ancestors?.[0]?.conditions, missing);
    const { ancestors = [] } = await plane.status('backendtrafficpolicy', 'sticky');
    expect(ancestors[0]?.conditions).toContainEqual(
      expect.objectContaining({
        message:
          'without effect: loadBalancer.sessionPersistence: proxies keep no sessions, because the controller runs without --session-secret',
      }),
    );
    await plane.controller.printed(/proxies keep no sessions: start the controller with --session-secret/);
    await plane.cluster.remove('backendtrafficpolicy', 'sticky');
  });
});
