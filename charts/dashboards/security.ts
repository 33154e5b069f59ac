// The dashboard "Security".
import { dashboard, graph, row, stat, table } from './dashboard.ts';

export const security = dashboard(
  'security',
  'Weir / Security',
  'Certificates, handshakes, refusals and attacks.',
  [],
  [
    row('Now'),
    stat('First certificate to expire', 's', 'min(weir_certificate_expiry_timestamp_seconds{@}) - time()', '', [
      [null, 'red'],
      [259200, 'orange'],
      [1209600, 'green'],
    ]),
    stat('Secrets with problems', 'short', 'max(weir_secret_problems{@})', 'Their pair cannot be used or has expired.'),
    stat('Events', 'ops', 'sum(rate(weir_security_events_total{@}[@])) or vector(0)', 'Security events per second.'),
    stat('Failed handshakes', 'cps', 'sum(rate(weir_tls_handshakes_total{@,version="none"}[@])) or vector(0)', 'Of TLS, per second.'),
    row('Certificates'),
    table(
      'Expiry',
      's',
      'sort(min by (secret) (weir_certificate_expiry_timestamp_seconds{@}) - time())',
      'Time until each certificate expires, the first to expire first.',
    ),
    graph(
      'Secrets with problems',
      'short',
      [['{{instance}}', 'max by (instance) (weir_secret_problems{@})']],
      'Their pair cannot be used or has expired.',
    ),
    graph('OCSP responses that are missing', 'short', [['{{instance}}', 'max by (instance) (weir_ocsp_responses_missing{@})']], ''),
    graph(
      'TLS handshakes',
      'cps',
      [['{{version}} {{result}}', 'sum by (version, result) (rate(weir_tls_handshakes_total{@}[@]))']],
      'Per second, by version and result.',
    ),
    graph(
      'Certificates by ACME',
      'short',
      [['{{state}}', 'sum by (state) (weir_acme_certificates{@})']],
      'By the outcome of the last attempt.',
    ),
    row('Refusals'),
    graph('Security events', 'ops', [['{{event}}', 'sum by (event) (rate(weir_security_events_total{@}[@])) or vector(0)']], 'Per second.'),
    graph(
      'Refused by policies',
      'reqps',
      [
        [
          '{{setting}} {{policy}} {{outcome}}',
          'topk(20, sum by (setting, policy, outcome) (rate(weir_policy_refusals_total{@}[@]))) or vector(0)',
        ],
      ],
      'Requests that rules of policies refuse.',
    ),
    graph(
      'Blocked connections',
      'cps',
      [['{{instance}}', 'sum by (instance) (rate(weir_downstream_connections_blocked_total{@}[@])) or vector(0)']],
      'Of addresses that operators block.',
    ),
    row('Attacks'),
    graph(
      'HTTP/2 floods',
      'cps',
      [['{{reason}}', 'sum by (reason) (rate(weir_http2_floods_total{@}[@])) or vector(0)']],
      'Connections and streams that the proxy ended.',
    ),
    graph(
      'PROXY protocol failures',
      'cps',
      [['{{reason}}', 'sum by (reason) (rate(weir_proxy_protocol_failures_total{@}[@])) or vector(0)']],
      'Connections that the proxy refused.',
    ),
    graph(
      'Failed handshakes',
      'cps',
      [['{{result}}', 'sum by (result) (rate(weir_tls_handshakes_total{@,version="none"}[@])) or vector(0)']],
      'By reason.',
    ),
  ],
);
