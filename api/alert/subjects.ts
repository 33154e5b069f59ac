// What alert rules are about: the kinds of subjects, and the values that expressions can read of each. The table is the language: the
// compiler, the translation to PromQL and the documentation take it from here.

/** The kinds of subjects, in the order of the reference. A rule is evaluated once for each subject of its kind. */
export const SUBJECTS = ['Installation', 'Fleet', 'Proxy', 'Route', 'Backend', 'Certificate', 'Limit'] as const;
export type SubjectKind = (typeof SUBJECTS)[number];

/** A value of a subject. */
export interface SubjectField {
  readonly type: 'int' | 'double' | 'bool';
  readonly text: string;
  /** The same value as a query of Prometheus, for a `bool` a condition; null if no metric has it. */
  readonly promql: string | null;
}

/** A kind of subject: the name of its variable, the labels of its alerts, and its values. */
export interface Subject {
  /** The variable with its values: `backend` in `backend.endpoints`. */
  readonly variable: string;
  /** The labels of its alerts, besides those of the rule. */
  readonly labels: readonly string[];
  /** Whether `traffic` is there. */
  readonly hasTraffic: boolean;
  /** Whether only rules in the namespace of the controller may be about it, because it concerns all namespaces. */
  readonly isReserved: boolean;
  readonly fields: Readonly<Record<string, SubjectField>>;
}

function count(text: string, promql: string | null): SubjectField {
  return { type: 'int', text, promql };
}

function measure(text: string, promql: string | null): SubjectField {
  return { type: 'double', text, promql };
}

/** Proxies of one fleet have one label of these in Prometheus; that of shared proxies is empty. */
const FLEET = 'gateway_networking_k8s_io_gateway_name';

/** Every kind of subject with its values. */
export const SUBJECT_TABLE: Readonly<Record<SubjectKind, Subject>> = {
  Installation: {
    variable: 'installation',
    labels: [],
    hasTraffic: true,
    isReserved: true,
    fields: {
      proxies: count('proxies that report', 'sum(weir_push_sessions)'),
      refused: count('resources that proxies refuse', 'sum(weir_push_refused_resources)'),
      unservedListeners: count('listeners that cannot be served', null),
    },
  },
  Fleet: {
    variable: 'fleet',
    labels: ['fleet'],
    hasTraffic: false,
    isReserved: true,
    fields: {
      reporting: count('its proxies that report', null),
      away: count('its proxies that report late, or whose stream has ended a short time ago', null),
      outdated: count(
        'its proxies that serve another configuration than most',
        `count by (${FLEET}) (count by (${FLEET}, revision) (weir_config_info)) - 1`,
      ),
      draining: count('its proxies that drain', null),
    },
  },
  Proxy: {
    variable: 'proxy',
    labels: ['proxy'],
    hasTraffic: false,
    isReserved: true,
    fields: {
      lag: measure('the 99th percentile of the lag of its event loop, in seconds', 'max by (instance) (nodejs_eventloop_lag_p99_seconds)'),
      memory: measure('its resident memory, in bytes', 'sum by (instance) (process_resident_memory_bytes)'),
    },
  },
  Route: { variable: 'route', labels: ['route'], hasTraffic: true, isReserved: false, fields: {} },
  Backend: {
    variable: 'backend',
    labels: ['backend'],
    hasTraffic: true,
    isReserved: false,
    fields: {
      endpoints: count('its endpoints', 'max by (backend) (weir_endpoints)'),
      usable: count('its endpoints that some proxy can choose', null),
      breakerOpen: {
        type: 'bool',
        text: 'whether its circuit breaker is open at some proxy',
        promql: 'max by (backend) (weir_upstream_breaker_state) == 2',
      },
    },
  },
  Certificate: {
    variable: 'certificate',
    labels: ['secret'],
    hasTraffic: false,
    isReserved: false,
    fields: {
      daysLeft: measure(
        'the days until it expires; negative after that',
        '(min by (secret) (weir_certificate_expiry_timestamp_seconds) - time()) / 86400',
      ),
    },
  },
  Limit: {
    variable: 'limit',
    labels: ['limit'],
    hasTraffic: false,
    isReserved: false,
    fields: { used: measure('the share of the limit that its busiest key has taken, from 0 to 1', null) },
  },
};

/** The classes of statuses that `traffic.responses` counts. */
export const STATUS_CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;
export type StatusClass = (typeof STATUS_CLASSES)[number];
