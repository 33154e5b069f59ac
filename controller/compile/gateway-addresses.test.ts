// Addresses of Gateways with shared proxies: those of the proxies' Service, unless the controller has --addresses.
import { describe, expect, test } from '@jest/globals';
import type { KubernetesObject } from '#api/k8s/object.ts';
import type { Change } from '../watch/event.ts';
import { Compiler } from './compile.ts';
import { CONTROLLER, gateway, gatewayClass, service } from './testdata/objects.ts';

const PORTS = { ports: [{ port: 80 }] };
const upsert = (object: KubernetesObject): Change => ({ type: 'upsert', object });

function proxyService(spec: object, ingress: readonly object[]): KubernetesObject {
  return { ...service('weir', 'weir-proxy', { ...PORTS, ...spec }), status: { loadBalancer: { ingress } } } as KubernetesObject;
}

function compiler(addresses: readonly string[] = []): Compiler {
  const made = new Compiler({ controllerName: CONTROLLER, addresses, proxyService: 'weir/weir-proxy' });
  made.apply([upsert(gatewayClass()), upsert(gateway('gw', [{ name: 'http', port: 80, protocol: 'HTTP' }]))]);
  return made;
}

/** The addresses in the status of the Gateway, and their problem. */
function told(made: Compiler): unknown {
  const status = [...made.statuses()].find(({ type }) => type === 'Gateway');
  if (status?.type !== 'Gateway') throw new Error('no Gateway');
  return { addresses: status.addresses.map(({ value }) => value), obstacle: JSON.stringify(status.conditions).includes('weir/weir-proxy') };
}

describe('the addresses of a Gateway that shares its proxies', () => {
  test('are those of the load balancer, once it has one', () => {
    const made = compiler();
    made.apply([upsert(proxyService({ type: 'LoadBalancer' }, []))]);
    expect(told(made)).toEqual({ addresses: [], obstacle: true });
    made.apply([upsert(proxyService({ type: 'LoadBalancer' }, [{ ip: '203.0.113.9' }, { hostname: 'lb.example.com' }]))]);
    expect(told(made)).toEqual({ addresses: ['203.0.113.9', 'lb.example.com'], obstacle: false });
  });

  test('are the cluster addresses of a Service of another type', () => {
    const made = compiler();
    made.apply([upsert(proxyService({ type: 'ClusterIP', clusterIPs: ['10.0.0.7'] }, []))]);
    expect(told(made)).toEqual({ addresses: ['10.0.0.7'], obstacle: false });
  });

  test('are those of --addresses if set', () => {
    const made = compiler(['198.51.100.1']);
    made.apply([upsert(proxyService({ type: 'LoadBalancer' }, [{ ip: '203.0.113.9' }]))]);
    expect(told(made)).toEqual({ addresses: ['198.51.100.1'], obstacle: false });
  });
});
