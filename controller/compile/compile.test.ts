import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import type { KubernetesObject } from '#api/k8s/object.ts';
import { Compiler } from './compile.ts';

const CONTROLLER = 'gateway.weir.dev/controller';

function objects(text: string): KubernetesObject[] {
  return parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);
}

const BASE = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: weir, generation: 1 }
spec: { controllerName: ${CONTROLLER} }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: web, namespace: infra, generation: 1 }
spec:
  gatewayClassName: weir
  listeners: [{ name: http, port: 80, protocol: HTTP }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: app, namespace: infra, generation: 1 }
spec:
  parentRefs: [{ name: web }]
  rules: [{ backendRefs: [{ name: app, port: 80 }] }]
---
apiVersion: v1
kind: Service
metadata: { name: app, namespace: infra }
spec: { ports: [{ port: 80 }] }
`;

describe('Compiler', () => {
  test('compiles a route to its listener, cluster and endpoints', () => {
    const compiler = new Compiler({ controllerName: CONTROLLER });
    const delta = compiler.apply(objects(BASE).map((object) => ({ type: 'upsert', object })));
    expect(delta.faults).toEqual([]);
    expect(delta.rejected).toEqual([]);
      delta.changed.map((c) => c.body.toString()),
      JSON.stringify(delta.statuses, null, 1),
    );
    expect(delta.changed.map(({ kind, key }) => `${kind} ${key}`)).toEqual([
      'Endpoints Service/infra/app/80',
      'Cluster Service/infra/app/80',
      'Listener infra/web/http',
      'Route HTTPRoute/infra/app/0',
    ]);
  });
});
