// The source of the types of gRPC services, for the groups of an HTTPPolicy that read them.
import type { FieldError } from '../field-error.ts';
import { backend } from '../policy-reference.ts';

/** The settings of a source, as a part of a group. */
export const descriptorSource = {
  reflection: backend(
    'The backend that tells the descriptors of its services by server reflection (grpc.reflection.v1, or v1alpha). It is asked again every five minutes, and after calls of methods that are not known.',
  ),
};

/** The rules that a source violates; a group that is absent violates none. */
export function checkDescriptorSource(settings: { readonly reflection?: unknown } | undefined, field: string): FieldError[] {
  if (settings === undefined || settings.reflection !== undefined) return [];
  return [{ field, reason: 'must have reflection: the types of the services come from it' }];
}
