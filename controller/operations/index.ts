// The resources of the API for operators, in the order of the reference. A resource is one file: a function from the parts of the program
// to the operations that they allow.
import type { Log } from '#lib/log.ts';
import type { Operation } from './operation.ts';

/** The parts that operations use. A program that lacks a part has none of the operations of the part. */
export interface OperationParts {
  readonly log: Log;
}

const RESOURCES: readonly ((parts: OperationParts) => readonly Operation[])[] = [];

/** All operations of a program with these parts. */
export function operationsOf(parts: OperationParts): readonly Operation[] {
  return RESOURCES.flatMap((resource) => resource(parts));
}
