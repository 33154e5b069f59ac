// ssl-passthrough: TLS of a host goes to the backend as it is, by a TLSRoute.
import type { InputObject } from '../input.ts';
import { GATEWAY_V1, slug } from '../manifest.ts';
import type { BackendRef } from '../manifest.ts';
import type { Plan } from '../plan.ts';
import { annotationField } from './annotations.ts';

/** Writes a TLSRoute for each host. */
export function writePassthrough(object: InputObject, hosts: readonly { host: string; backend: BackendRef | null }[], plan: Plan): void {
  for (const { host, backend } of hosts) {
    if (host === '' || backend === null) {
      plan.leftOut(object, { field: annotationField('ssl-passthrough'), reason: 'a host and a Service are needed' });
      continue;
    }
    const port = plan.options.entryPoints.get('websecure') ?? 443;
    const { parent } = plan.edge.listener({ protocol: 'TLS', port, hostname: host, passthrough: true });
    const wanted = hosts.length === 1 ? object.name : `${object.name}-${slug(host)}`;
    const metadata = { name: plan.nameFor('TLSRoute', object.namespace, wanted), namespace: object.namespace };
    const spec = { parentRefs: [parent], hostnames: [host], rules: [{ backendRefs: [backend] }] };
    plan.write(object, { apiVersion: GATEWAY_V1, kind: 'TLSRoute', metadata, spec });
  }
}
