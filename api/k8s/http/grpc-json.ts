// The group `grpcJson` of an HTTPPolicy.
import { Type } from '#lib/typebox.ts';
import { backend, configMapKey } from '../policy-reference.ts';
import { choice, size, whole } from '../setting.ts';

const service = Type.String({
  minLength: 1,
  maxLength: 256,
  pattern: '^[A-Za-z_][A-Za-z0-9_]*([.][A-Za-z_][A-Za-z0-9_]*)*$',
  '~must': 'the full name of a service, like shop.v1.Orders',
});

export const grpcJson = whole(
  'Makes gRPC calls of requests with JSON, and JSON of their answers, by the descriptors of the services. A nearer policy replaces all of it.',
  {
    mode: choice('Disabled: nothing is translated. For the targets of a nearer policy.', ['Enabled', 'Disabled']),
    descriptors: configMapKey(
      'The descriptors of the services with all that they import: an entry of a ConfigMap that is a FileDescriptorSet, in binaryData.',
      'descriptors',
    ),
    reflection: backend(
      'The backend that tells them by server reflection instead (grpc.reflection.v1, or v1alpha). It is asked again every five minutes.',
    ),
    services: Type.Optional(
      Type.Array(service, {
        minItems: 1,
        maxItems: 64,
        description: 'The services that requests can call, by full name. All services of the descriptors, when absent.',
      }),
    ),
    methodPaths: choice('Enabled: POST /package.Service/Method with JSON calls the method too, whatever its bindings are.', [
      'Enabled',
      'Disabled',
    ]),
    unknownRequests: choice('Requests without a binding. Refuse: they get 404 or 405. Pass: they reach the backend as they are.', [
      'Refuse',
      'Pass',
    ]),
    unknownFields: choice('Fields in JSON and parameters of the query that the message does not have. Refuse: the request gets 400.', [
      'Refuse',
      'Ignore',
    ]),
    defaults: choice('Fields with default values in answers. Omit: as the JSON of protobuf has it.', ['Omit', 'Print']),
    fieldNames: choice('The names of fields in answers: in lowerCamelCase, or as the descriptors have them. Requests may have both.', [
      'JSON',
      'Original',
    ]),
    enums: choice('The values of enums in answers.', ['Names', 'Numbers']),
    maxMessageSize: size('Bytes of a message, in JSON and in gRPC. A larger one gets 413 or 502.', { minimum: 1, maximum: 67_108_864 }),
  },
  { unresolved: 'stays' },
);
