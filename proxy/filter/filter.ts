// What a kind of filter gives to the chain: how to make its request and its response half from the IR.
import type * as ir from '#api/ir/ir.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { RequestFilter, ResponseFilter } from '../exchange/plan.ts';

/** Sends copies of requests; implemented by upstream/. */
export interface MirrorSender {
  /** Sends a copy of the exchange's head, and of its body as it passes, to a cluster. The answer is read and forgotten. */
  mirror(exchange: Exchange, cluster: string): void;
}

/** What filters may reach beyond the exchange. */
export interface FilterDependencies {
  readonly mirror: MirrorSender;
}

/** One kind of filter. A half is made for an IR filter of this kind, null for all others. */
export interface FilterFactory {
  readonly request?: (filter: ir.Filter, dependencies: FilterDependencies) => RequestFilter | null;
  readonly response?: (filter: ir.Filter, dependencies: FilterDependencies) => ResponseFilter | null;
}
