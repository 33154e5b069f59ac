// The operations of health. Written by `npm run client` from the OpenAPI document of the admin API.
import type { OperationFacts } from '../operation.ts';

export interface HealthOperations {
  /** Tell whether the admin API works. Needs no credentials, so it names the parts that are away, and not the reason. */
  readonly 'health.get': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      /** degraded: some operations are refused. */
      readonly status: 'ok' | 'degraded';
      /** The version of Weir. */
      readonly version: string;
      /** The names of the parts that are away. */
      readonly away: readonly string[];
    };
    readonly streams: false;
    readonly code: never;
  };
}

export const HEALTH: Readonly<Record<keyof HealthOperations, OperationFacts>> = {
  'health.get': { method: 'GET', path: '/health', streams: null },
};
