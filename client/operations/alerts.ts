// The operations of alerts. Written by `npm run client` from the OpenAPI document of the admin API.
import type { OperationFacts } from '../operation.ts';

export interface AlertsOperations {
  /** List alerts, the most urgent first, with silences, rules and channels. */
  readonly 'alerts.list': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      readonly alerts: readonly {
        readonly fingerprint: string;
        readonly alert: string;
        readonly rule: string;
        readonly state: string;
        readonly severity: string;
        readonly summary: string;
        readonly firedAt: string | null;
      }[];
      readonly silences: readonly {
        readonly id: string;
        readonly matchers: readonly string[];
        readonly author: string;
        readonly reason: string;
        readonly starts: string;
        readonly ends: string;
      }[];
      readonly rules: readonly {
        readonly rule: string;
        readonly severity: string;
        readonly firing: number;
        readonly trouble: string;
      }[];
      readonly channels: readonly {
        readonly channel: string;
        readonly type: string;
        readonly trouble: string;
      }[];
      readonly notes: readonly string[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Write the alert rules as a PrometheusRule. */
  readonly 'alerts.prometheus-rule': {
    readonly input: {
      readonly query?: {
        readonly namespace?: string;
        readonly name?: string;
      };
    };
    readonly answer: {
      readonly object: Readonly<Record<string, unknown>>;
      readonly left: readonly (Readonly<Record<string, unknown>>)[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Silence alerts for a time, in the name of the caller. */
  readonly 'alerts.silence': {
    readonly input: {
      readonly body: {
        readonly matchers: readonly string[];
        readonly for: string;
        readonly reason?: string;
      };
    };
    readonly answer: {
      readonly id: string;
      readonly matchers: readonly string[];
      readonly author: string;
      readonly reason: string;
      readonly starts: string;
      readonly ends: string;
    };
    readonly streams: false;
    readonly code: never;
  };
  /** End a silence. */
  readonly 'alerts.unsilence': {
    readonly input: {
      readonly params: {
        readonly id: string;
      };
    };
    readonly answer: {
      readonly id: string;
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Send a test message to a channel. */
  readonly 'alerts.test-channel': {
    readonly input: {
      readonly body: {
        /** NAMESPACE/NAME of a NotificationChannel. */
        readonly channel: string;
      };
    };
    readonly answer: {
      readonly channel: string;
      readonly delivered: boolean;
      readonly reason: string;
    };
    readonly streams: false;
    readonly code: never;
  };
}

export const ALERTS: Readonly<Record<keyof AlertsOperations, OperationFacts>> = {
  'alerts.list': { method: 'GET', path: '/alerts', streams: null },
  'alerts.prometheus-rule': { method: 'GET', path: '/alerts/prometheus-rule', streams: null },
  'alerts.silence': { method: 'POST', path: '/alerts/silences', streams: null },
  'alerts.unsilence': { method: 'DELETE', path: '/alerts/silences/{id}', streams: null },
  'alerts.test-channel': { method: 'POST', path: '/alerts/channels/test', streams: null },
};
