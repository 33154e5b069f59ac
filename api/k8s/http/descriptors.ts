// The source of the types of gRPC services, for the groups of an HTTPPolicy that read them.
import type { FieldError } from '../field-error.ts';
import { backend, configMapKey } from '../policy-reference.ts';

/** The settings of a source, as a part of a group. One of them is set. */
export const descriptorSource = {
  descriptors: configMapKey(
    'The descriptors of the services with all that they import: an entry of a ConfigMap that is a FileDescriptorSet, in binaryData.',
  ),
  reflection: backend(
    'Instead: the backend that tells the descriptors of its services by server reflection (grpc.reflection.v1, or v1alpha). It is asked again every five minutes, and after calls of methods that are not known.',
  ),
};

/** The rules that the source of a group violates; a group that is absent violates none. */
export function checkDescriptorSource(
  settings: { readonly mode?: string; readonly descriptors?: unknown; readonly reflection?: unknown } | undefined,
  field: string,
): FieldError[] {
  if (settings === undefined || settings.mode === 'Disabled') return [];
  const { descriptors, reflection } = settings;
  if (descriptors === undefined && reflection === undefined)
    return [{ field, reason: 'must have descriptors or reflection: the types of the services come from there' }];
  if (descriptors === undefined || reflection === undefined) return [];
  return [{ field: `${field}.reflection`, reason: 'cannot be set together with descriptors: remove one of them' }];
}
