// Counts gRPC calls by method (`grpcMethods` of an HTTPPolicy).
import { turnTime } from '#lib/turn-clock.ts';
import type { Method } from '#lib/protobuf/types.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { GRPC_STATUS } from '../../exchange/grpc-status.ts';
import type { GrpcMethodCounts } from '../../exchange/grpc-method-counts.ts';
import type { Filter, FilterKind } from '../filter.ts';
import { schemaSource, type SchemaSettings, type SchemaSource } from '../grpc-reflection/schema-source.ts';

class GrpcMethods implements Filter {
  readonly name = 'grpcMethods';
  readonly #schema: SchemaSource;
  readonly #counts: GrpcMethodCounts;

  constructor(schema: SchemaSource, counts: GrpcMethodCounts) {
    this.#schema = schema;
    this.#counts = counts;
  }

  ended(exchange: Exchange): void {
    if (!exchange.grpc) return;
    const status = exchange.grpcStatus < 0 ? GRPC_STATUS.unknown : exchange.grpcStatus;
    this.#counts.count(this.#methodOf(exchange), status, turnTime() - exchange.startedAt);
  }

  /** By the path that the backend got; null: it is not known. */
  #methodOf({ path }: Exchange): Method | null {
    const method = this.#schema.value?.methods.get(path);
    if (method !== undefined) return method;
    // The backend may have new methods. However many paths callers make up, it is asked at most once in a while.
    void this.#schema.refresh();
    return null;
  }

  dispose(): void {
    this.#schema.close();
  }
}

export const grpcMethods: FilterKind = {
  name: 'grpcMethods',
  ofPolicies: (policies) => {
    const { grpcMethods: settings } = policies.settings('HTTPPolicy').settings;
    if (settings === undefined || settings.mode === 'Disabled') return null;
    return policies.filterOf('HTTPPolicy', ['grpcMethods'], ({ grpcMethods: own = {} }, context) => {
      return new GrpcMethods(schemaSource(own as SchemaSettings, context), context.grpcMethods);
    });
  },
};
