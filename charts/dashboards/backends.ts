// The dashboard "Backends".
import { dashboard, graph, row, stat } from './dashboard.ts';

export const backends = dashboard(
  'backends',
  'Weir / Backends',
  'How backends and their endpoints answer, and what protects them.',
  ['backend'],
  [
    row('Now'),
    stat('Attempts', 'reqps', 'sum(rate(weir_upstream_attempts_total{@backend}[@]))', 'Per second.'),
    stat(
      'Failed',
      'percentunit',
      'sum(rate(weir_upstream_attempts_total{@backend,outcome="failed"}[@])) / sum(rate(weir_upstream_attempts_total{@backend}[@]))',
      'Share of attempts that failed.',
      [
        [null, 'green'],
        [0.01, 'orange'],
        [0.05, 'red'],
      ],
    ),
    stat('First byte, p99', 's', 'histogram_quantile(0.99, sum by (le) (rate(weir_upstream_first_byte_seconds_bucket{@backend}[@])))', ''),
    stat('Waiting', 'short', 'sum(weir_upstream_requests_pending{@backend})', 'Requests that wait for a connection.', [
      [null, 'green'],
      [1, 'orange'],
      [100, 'red'],
    ]),
    stat('Connections', 'short', 'sum(weir_upstream_connections_open{@backend})', 'Open connections to endpoints.'),
    stat('Without endpoints', 'short', 'count(max by (backend) (weir_endpoints{@backend}) == 0) or vector(0)', 'Backends that have none.', [
      [null, 'green'],
      [1, 'orange'],
      [1, 'red'],
    ]),
    row('Backends'),
    graph(
      'Attempts by outcome',
      'reqps',
      [['{{backend}} {{outcome}}', 'sum by (backend, outcome) (rate(weir_upstream_attempts_total{@backend}[@]))']],
      '',
    ),
    graph(
      'Answers by class',
      'reqps',
      [['{{backend}} {{status_class}}', 'sum by (backend, status_class) (rate(weir_upstream_responses_total{@backend}[@]))']],
      '',
    ),
    graph(
      'Failures by code',
      'reqps',
      [['{{backend}} {{code}}', 'sum by (backend, code) (rate(weir_upstream_failures_total{@backend}[@]))']],
      '',
    ),
    graph('Endpoints', 'short', [['{{backend}}', 'max by (backend) (weir_endpoints{@backend})']], ''),
    graph(
      'Copies that were not sent',
      'reqps',
      [['dropped', 'sum(rate(weir_mirror_drops_total{@}[@]))']],
      'Too large, or too many at a time.',
    ),
    row('Times'),
    graph(
      'First byte, p95',
      's',
      [['{{backend}}', 'histogram_quantile(0.95, sum by (backend, le) (rate(weir_upstream_first_byte_seconds_bucket{@backend}[@])))']],
      'From a request on its connection to the head of its answer.',
    ),
    graph(
      'Connecting, p95',
      's',
      [['{{backend}}', 'histogram_quantile(0.95, sum by (backend, le) (rate(weir_upstream_connect_seconds_bucket{@backend}[@])))']],
      'TLS included.',
    ),
    graph(
      'Waiting for a connection, p95',
      's',
      [['{{backend}}', 'histogram_quantile(0.95, sum by (backend, le) (rate(weir_upstream_queue_seconds_bucket{@backend}[@])))']],
      'Of those attempts that had to wait.',
    ),
    row('Endpoints'),
    graph(
      'Attempts by endpoint',
      'reqps',
      [['{{backend}} {{endpoint}}', 'topk(20, sum by (backend, endpoint) (rate(weir_upstream_attempts_total{@backend}[@])))']],
      'The 20 busiest.',
    ),
    graph(
      'First byte by endpoint, p95',
      's',
      [
        [
          '{{backend}} {{endpoint}}',
          'topk(20, histogram_quantile(0.95, sum by (backend, endpoint, le) (rate(weir_endpoint_first_byte_seconds_bucket{@backend}[@]))))',
        ],
      ],
      'The 20 slowest.',
    ),
    graph(
      '5xx by endpoint',
      'reqps',
      [
        [
          '{{backend}} {{endpoint}}',
          'topk(20, sum by (backend, endpoint) (rate(weir_upstream_responses_total{@backend,status_class="5xx"}[@])))',
        ],
      ],
      '',
    ),
    graph(
      'Connect failures by endpoint',
      'cps',
      [['{{backend}} {{endpoint}}', 'topk(20, sum by (backend, endpoint) (rate(weir_upstream_connect_failures_total{@backend}[@])))']],
      'Connections that could not be made, per second.',
    ),
    graph(
      'Failed attempts by endpoint',
      'reqps',
      [
        [
          '{{backend}} {{endpoint}}',
          'topk(20, sum by (backend, endpoint) (rate(weir_upstream_attempts_total{@backend,outcome="failed"}[@])))',
        ],
      ],
      '',
    ),
    row('Protection'),
    graph(
      'Ejections by endpoint',
      'cps',
      [
        [
          '{{backend}} {{endpoint}} {{cause}}',
          'topk(20, sum by (backend, endpoint, cause) (rate(weir_upstream_ejections_total{@backend}[@])))',
        ],
      ],
      'Because requests fail, per second, counted by each worker.',
    ),
    graph(
      'Circuit breakers',
      'short',
      [['{{backend}}', 'max by (backend) (weir_upstream_breaker_state{@backend})']],
      '0 closed, 1 half-open, 2 open; the worst of all proxies.',
    ),
    graph(
      'Breakers that opened',
      'cps',
      [['{{backend}} {{cause}}', 'sum by (backend, cause) (rate(weir_upstream_breaker_opens_total{@backend}[@]))']],
      'Those of single endpoints too.',
    ),
    graph(
      'Adaptive limit',
      'short',
      [['{{backend}}', 'sum by (backend) (weir_upstream_adaptive_limit{@backend})']],
      'Requests that may wait for an answer of the backend, of all proxies together.',
    ),
    graph(
      'Retries',
      'reqps',
      [
        ['{{backend}} {{reason}}', 'sum by (backend, reason) (rate(weir_upstream_retries_total{@backend}[@]))'],
        ['{{backend}} withheld: {{reason}}', 'sum by (backend, reason) (rate(weir_upstream_retries_withheld_total{@backend}[@]))'],
      ],
      'By the failure before; withheld ones by the obstacle.',
    ),
    graph(
      'Hedges',
      'reqps',
      [['{{backend}} {{result}}', 'sum by (backend, result) (rate(weir_upstream_hedges_total{@backend}[@]))']],
      'Attempts that began while another was under way.',
    ),
    graph(
      'Queue: refusals',
      'reqps',
      [['{{backend}} {{cause}} {{priority}}', 'sum by (backend, cause, priority) (rate(weir_upstream_queue_refusals_total{@backend}[@]))']],
      'Attempts that left the queue without a connection.',
    ),
    row('Connections'),
    graph(
      'Connections',
      'short',
      [
        ['{{backend}} open', 'sum by (backend) (weir_upstream_connections_open{@backend})'],
        ['{{backend}} idle', 'sum by (backend) (weir_upstream_connections_idle{@backend})'],
      ],
      '',
    ),
    graph('Requests that wait', 'short', [['{{backend}}', 'sum by (backend) (weir_upstream_requests_pending{@backend})']], ''),
    graph(
      'Connections for slow clients',
      'short',
      [['{{backend}}', 'sum by (backend) (weir_upstream_connections_slow{@backend})']],
      'They do not count towards the limit of an endpoint.',
    ),
    graph(
      'HTTP/2 errors of peers',
      'cps',
      [['{{side}} {{code}}', 'sum by (side, code) (rate(weir_http2_connection_errors_total{@}[@]))']],
      'Connections that were ended, per second.',
    ),
  ],
);
