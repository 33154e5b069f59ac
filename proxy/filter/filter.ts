// The interface of a kind of filter: how to create its request half and its response half from the IR.
import type * as ir from '#api/ir/ir.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { RequestFilter, ResponseFilter } from '../exchange/plan.ts';

/** Sends copies of requests; implemented by upstream/. */
export interface MirrorSender {
  /** Sends a copy of the exchange's head and body to a cluster, and discards the answer. */
  mirror(exchange: Exchange, cluster: string): void;
}

/** The dependencies of filters besides the exchange. */
export interface FilterDependencies {
  readonly mirror: MirrorSender;
}

/** One kind of filter. It creates a half for an IR filter of its kind, and returns null for others. */
export interface FilterFactory {
  readonly request?: (filter: ir.Filter, dependencies: FilterDependencies) => RequestFilter | null;
  readonly response?: (filter: ir.Filter, dependencies: FilterDependencies) => ResponseFilter | null;
}
