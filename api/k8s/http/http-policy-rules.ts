// Rules of HTTPPolicies that a schema cannot express: one function per group.
import type { FieldError } from '../field-error.ts';
import type { PolicyObjects } from '../policies.ts';
import { checkErrorPages } from './error-page-rules.ts';
import { checkFixedAnswers } from './fixed-answer-rules.ts';
import { checkDescriptorSource } from './descriptors.ts';
import { checkGrpcJson } from './grpc-json-rules.ts';
import { checkOpenApi } from './openapi-rules.ts';
import { checkMessageChanges } from './message-change-rules.ts';

/** The rules that an HTTPPolicy violates. */
export function checkHttpPolicy(spec: PolicyObjects['HTTPPolicy']['spec']): FieldError[] {
  return [
    ...checkFixedAnswers(spec),
    ...checkErrorPages(spec.errorPages),
    ...checkMessageChanges(spec),
    ...checkOpenApi(spec.openapi),
    ...checkGrpcJson(spec.grpcJson),
    ...checkDescriptorSource(spec.grpcMethods, 'spec.grpcMethods'),
    ...checkDescriptorSource(spec.grpcMessages, 'spec.grpcMessages'),
  ];
}
