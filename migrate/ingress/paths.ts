// The rules of an Ingress, one path of one host at a time.
import { Fields } from '../fields.ts';
import type { InputObject } from '../input.ts';
import type { BackendRef } from '../manifest.ts';
import type { Plan } from '../plan.ts';

/** One path of one host. */
export interface HostPath {
  /** '' is every host. */
  readonly host: string;
  readonly path: string;
  readonly pathType: string;
  /** Where it stands in the object. */
  readonly field: string;
  /** Null, with a note, where it cannot be told. */
  readonly backend: BackendRef | null;
}

/** Every path of an Ingress. */
export function pathsOf(object: InputObject, plan: Plan): HostPath[] {
  const spec = new Fields(object.value['spec'], 'spec');
  return spec.groups('rules').flatMap((rule) => {
    const host = rule.text('host')?.toLowerCase() ?? '';
    const paths = rule.group('http').groups('paths');
    return paths.map((path) => ({
      host,
      path: path.text('path') ?? '/',
      pathType: path.text('pathType') ?? 'ImplementationSpecific',
      field: path.path,
      backend: backendOf(path.group('backend'), object, plan),
    }));
  });
}

/** spec.defaultBackend; null where there is none. */
export function defaultBackendOf(object: InputObject, plan: Plan): BackendRef | null {
  const backend = new Fields(object.value['spec'], 'spec').group('defaultBackend');
  return backend.has('service') || backend.has('resource') ? backendOf(backend, object, plan) : null;
}

/** The Service of a backend; null, with a note, where it is something else or its port is not known. */
function backendOf(backend: Fields, object: InputObject, plan: Plan): BackendRef | null {
  const service = backend.group('service');
  const name = service.text('name');
  if (name === undefined) {
    plan.leftOut(object, { field: backend.at('resource'), reason: 'only Services can be backends' });
    return null;
  }
  const port = service.group('port');
  const number = plan.port(object, { namespace: object.namespace, name, port: port.text('number') ?? port.text('name') ?? '' }, port.path);
  return number === undefined ? null : { name, port: number };
}
