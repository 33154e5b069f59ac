// The resources of the API for operators, in the order of the reference. A resource is one file: a function from the parts of the program
// to the operations that they allow.
import type { AlertDesk } from '../alert/desk.ts';
import { alertOperations } from './alerts.ts';
import { blocks } from './blocks.ts';
import { cacheOperations } from './cache.ts';
import { cacheWarmOperation } from './cache-warming.ts';
import { connectionOperations } from './connections.ts';
import { dumpOperations } from './dumps.ts';
import type { DumpParts } from './dumps.ts';
import { endpoints, type EndpointParts } from './endpoints.ts';
import { errorOperations } from './errors.ts';
import type { Log } from '#lib/log.ts';
import type { Fleet } from '../telemetry/fleet.ts';
import { fleetOperations } from './fleet.ts';
import { grpcMethodOperations } from './grpc-methods.ts';
import { hubOperations } from './hubs.ts';
import type { LimitBook } from '../telemetry/limit-book.ts';
import { limitOperations } from './limits.ts';
import type { Operation } from './operation.ts';
import { ownFileOperations } from './own-files.ts';
import { pluginOperations } from './plugins.ts';
import { processFileOperations } from './process-files.ts';
import { recentOperations } from './recent.ts';
import { tailOperation } from './tail.ts';
import type { WindowReader } from '../telemetry/window/reader.ts';
import { windowOperations } from './window.ts';

/** The parts that operations use. */
export interface OperationParts {
  readonly fleet: Fleet;
  readonly endpoints: EndpointParts;
  readonly limits: LimitBook;
  readonly window: WindowReader;
  /** Has a line for each file about a process that an operator takes. */
  readonly log: Log;
  readonly alerts: AlertDesk;
  readonly dumps: DumpParts;
}

const RESOURCES: readonly ((parts: OperationParts) => readonly Operation[])[] = [
  (parts) => fleetOperations(parts.fleet),
  (parts) => [tailOperation(parts.fleet)],
  (parts) => recentOperations(parts.fleet),
  (parts) => processFileOperations(parts.fleet, parts.log),
  (parts) => ownFileOperations(parts.log),
  (parts) => endpoints(parts.endpoints),
  (parts) => limitOperations(parts.limits),
  (parts) => blocks(parts.fleet),
  (parts) => cacheOperations(parts.fleet),
  (parts) => [cacheWarmOperation(parts.fleet)],
  (parts) => connectionOperations(parts.fleet),
  (parts) => hubOperations(parts.fleet),
  (parts) => pluginOperations(parts.fleet),
  (parts) => grpcMethodOperations(parts.fleet),
  (parts) => windowOperations(parts.window),
  (parts) => alertOperations(parts.alerts),
  (parts) => errorOperations(parts.fleet.errors),
  (parts) => dumpOperations(parts.dumps),
];

/** All operations of a program with these parts. */
export function operationsOf(parts: OperationParts): readonly Operation[] {
  return RESOURCES.flatMap((resource) => resource(parts));
}
