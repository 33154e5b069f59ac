// The group `grpcWeb` of an HTTPPolicy.
import { choice, whole } from '../setting.ts';

export const grpcWeb = whole('Translates gRPC-Web, which browsers speak, to gRPC for the backend.', {
  mode: choice('Disabled: nothing is translated. For the targets of a nearer policy.', ['Enabled', 'Disabled']),
});
