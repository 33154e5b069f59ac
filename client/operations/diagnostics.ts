// The operations of diagnostics. Written by `npm run client` from the OpenAPI document of the admin API.
import type { OperationFacts } from '../operation.ts';

export interface DiagnosticsOperations {
  /** List the settings of this process, with what decides each. */
  readonly 'settings.list': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      readonly items: readonly {
        /** The flag, without dashes. */
        readonly name: string;
        readonly value: string;
        /** What decides the value; a flag wins over a variable. */
        readonly origin: 'flag' | 'environment' | 'default';
        /** The variable of the environment that sets it. */
        readonly variable: string;
        readonly default: string;
      }[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Make a bundle of diagnostics without secrets. One JSON document: versions, settings, troubles, status, problems, errors and alerts of the fleet, configuration, the last entries of the audit log, lines of the log, metrics. Each section has at most 2 MiB. Data of Secrets, values under names of secrets, tokens, card numbers and mail addresses are hidden. */
  readonly 'diagnostics.bundle': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      readonly made: string;
      readonly versions: Readonly<Record<string, unknown>>;
      readonly troubles: Readonly<Record<string, unknown>>;
      readonly log: readonly unknown[];
    };
    readonly streams: false;
    readonly code: never;
  };
}

export const DIAGNOSTICS: Readonly<Record<keyof DiagnosticsOperations, OperationFacts>> = {
  'settings.list': { method: 'GET', path: '/settings', streams: null },
  'diagnostics.bundle': { method: 'POST', path: '/diagnostics', streams: null },
};
