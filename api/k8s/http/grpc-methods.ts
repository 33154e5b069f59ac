// The group `grpcMethods` of an HTTPPolicy.
import { choice, whole } from '../setting.ts';
import { descriptorSource } from './descriptors.ts';

export const grpcMethods = whole('Counts gRPC calls by method: requests, statuses and durations. A nearer policy replaces all of it.', {
  mode: choice('Disabled: nothing is counted. For the targets of a nearer policy.', ['Enabled', 'Disabled']),
  ...descriptorSource,
});
