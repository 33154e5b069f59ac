// The features that a GatewayClass declares, depending on the installed CRDs and on the mode of its Gateways.
import { describe, expect, test } from '@jest/globals';
import { groupOf, KINDS } from '#api/k8s/kinds.ts';
import type { FleetMode } from '#api/k8s/k8s.ts';
import type { KubernetesObject } from '#api/k8s/object.ts';
import { GATEWAY_GROUP } from '#api/k8s/schema.ts';
import { Compiler } from './compile.ts';
import { CONTROLLER, gatewayClass, upsert } from './testdata/objects.ts';

/** The CRDs of a channel without those of some kinds. */
function definitions(channel: string, ...leftOut: readonly string[]): KubernetesObject[] {
  return Object.values(KINDS)
    .filter(({ kind, apiVersion }) => groupOf(apiVersion) === GATEWAY_GROUP && !leftOut.includes(kind))
    .map(({ plural }) => ({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: {
        name: `${plural}.${GATEWAY_GROUP}`,
        annotations: { [`${GATEWAY_GROUP}/bundle-version`]: 'v1.6.3', [`${GATEWAY_GROUP}/channel`]: channel },
      },
    }));
}

/** The status of a class, compiled from these objects only. */
function classStatus(objects: readonly KubernetesObject[], byDefault: FleetMode = 'PerGateway') {
  const compiler = new Compiler({ controllerName: CONTROLLER, fleets: { byDefault, lacks: '' } });
  const [status] = compiler.apply([gatewayClass(), ...objects].map(upsert)).statuses;
  if (status?.type !== 'GatewayClass') throw new Error('no status');
  return status;
}

describe('supportedFeatures', () => {
  const all = classStatus(definitions('experimental')).supportedFeatures;

  test('are sorted and unique', () => {
    expect(all).toEqual([...new Set(all)].sort());
    expect(classStatus([], 'Shared').supportedFeatures).toEqual(
      all.filter((feature) => !['GatewayInfrastructure', 'GatewayStaticAddresses'].includes(feature)),
    );
  });

  test('leave out features of missing CRDs', () => {
    const { supportedFeatures, conditions } = classStatus(definitions('standard', 'TCPRoute', 'TLSRoute'));
    const missing = all.filter((feature) => !supportedFeatures.includes(feature));
    expect(missing).toEqual([
      ...['HTTPRouteRetry', 'HTTPRouteRetryBackendTimeout', 'HTTPRouteRetryConnectionError'],
      ...['TCPRoute', 'TLSRoute', 'TLSRouteModeMixed', 'TLSRouteModeTerminate'],
    ]);
    expect(conditions).toMatchObject([{ type: 'Accepted' }, { type: 'SupportedVersion', status: 'True' }]);
  });

  test('follow the CRDs', () => {
    const compiler = new Compiler({ controllerName: CONTROLLER });
    compiler.apply([gatewayClass(), ...definitions('experimental', 'UDPRoute')].map(upsert));
    const delta = compiler.apply(definitions('experimental').map(upsert));
    expect(delta.statuses).toMatchObject([{ supportedFeatures: expect.arrayContaining(['UDPRoute']) }]);
    const [changed] = compiler.apply(definitions('standard').map(upsert)).statuses;
    expect(changed).toMatchObject({ conditions: [{}, { message: 'Gateway API v1.6.3 (standard) is installed' }] });
  });
});
