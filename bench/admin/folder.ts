// A folder with routes for the admin program: one Gateway, some backends, and a file for each route.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export const NAMESPACE = 'bench';

/** A route that is like all others. */
export function routeOf(i: number): object {
  const rule = { matches: [{ path: { type: 'PathPrefix', value: `/route-${i}` } }], backendRefs: [{ name: `origin-${i % 10}`, port: 80 }] };
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: `route-${i}`, namespace: NAMESPACE, labels: { team: `team-${i % 20}` } },
    spec: { parentRefs: [{ name: 'edge' }], hostnames: [`host-${i % 100}.example.com`], rules: [rule] },
  };
}

function gatewayText(): string {
  const backends = Array.from({ length: 10 }, (_, i) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `origin-${i}`, namespace: NAMESPACE },
    spec: { clusterIP: `10.0.0.${i + 1}`, ports: [{ name: 'http', port: 80 }] },
  }));
  const gateway = { apiVersion: 'gateway.networking.k8s.io/v1', metadata: { name: 'edge', namespace: NAMESPACE } };
  const listeners = [{ name: 'http', protocol: 'HTTP', port: 8080 }];
  const all = [
    { ...gateway, kind: 'GatewayClass', metadata: { name: 'weir' }, spec: { controllerName: 'gateway.weir.dev/controller' } },
    { ...gateway, kind: 'Gateway', spec: { gatewayClassName: 'weir', listeners } },
    ...backends,
  ];
  return all.map((each) => JSON.stringify(each, null, 2)).join('\n');
}

/** Makes the folder. */
export function fillFolder(folder: string, routes: number): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'gateway.json'), gatewayText());
  for (let i = 0; i < routes; i++)
    writeFileSync(path.join(folder, `httproute.${NAMESPACE}.route-${i}.yaml`), `${JSON.stringify(routeOf(i), null, 2)}\n`);
}
