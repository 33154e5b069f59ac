// The dashboard "Overview".
import { dashboard, graph, row, stacked, stat } from './dashboard.ts';

export const overview = dashboard(
  'overview',
  'Weir / Overview',
  'What Gateways serve, what fails and what fires: the first look.',
  ['gateway'],
  [
    row('Now'),
    stat('Requests', 'reqps', 'sum(rate(weir_requests_total{@gateway}[@]))', 'Requests answered per second.'),
    stat(
      'Errors',
      'percentunit',
      'sum(rate(weir_requests_total{@gateway,status_class="5xx"}[@])) / sum(rate(weir_requests_total{@gateway}[@]))',
      'Share of requests answered with 5xx.',
      [
        [null, 'green'],
        [0.01, 'orange'],
        [0.05, 'red'],
      ],
    ),
    stat(
      'Latency, p99',
      's',
      'histogram_quantile(0.99, sum by (le) (rate(weir_request_duration_seconds_bucket{@gateway}[@])))',
      'From the first byte of a request to the end of its answer.',
    ),
    stat('In flight', 'short', 'sum(weir_requests_active{@})', 'Requests that are not answered yet.'),
    stat('Connections', 'short', 'sum(weir_downstream_connections_active{@})', 'Open connections from clients.'),
    stat('Answered', 'Bps', 'sum(rate(weir_response_bytes_total{@gateway}[@]))', 'Bytes of answer bodies per second.'),
    stat('Alerts that fire', 'short', 'sum(weir_alerts{@,state="firing"}) or vector(0)', 'Of the rules that Weir evaluates itself.'),
    row('By Gateway'),
    graph(
      'Requests by Gateway',
      'reqps',
      [['{{gateway}}', 'sum by (gateway) (rate(weir_requests_total{@gateway}[@]))']],
      'Gateway none: no listener has the host of the request.',
    ),
    graph(
      '5xx by Gateway',
      'percentunit',
      [
        [
          '{{gateway}}',
          'sum by (gateway) (rate(weir_requests_total{@gateway,status_class="5xx"}[@])) / sum by (gateway) (rate(weir_requests_total{@gateway}[@]))',
        ],
      ],
      'Share of requests answered with 5xx.',
    ),
    graph(
      'Latency by Gateway, p95',
      's',
      [['{{gateway}}', 'histogram_quantile(0.95, sum by (gateway, le) (rate(weir_request_duration_seconds_bucket{@gateway}[@])))']],
      '',
    ),
    row('Latency and status'),
    graph(
      'Latency percentiles',
      's',
      [
        ['p50', 'histogram_quantile(0.5, sum by (le) (rate(weir_request_duration_seconds_bucket{@gateway}[@])))'],
        ['p90', 'histogram_quantile(0.9, sum by (le) (rate(weir_request_duration_seconds_bucket{@gateway}[@])))'],
        ['p95', 'histogram_quantile(0.95, sum by (le) (rate(weir_request_duration_seconds_bucket{@gateway}[@])))'],
        ['p99', 'histogram_quantile(0.99, sum by (le) (rate(weir_request_duration_seconds_bucket{@gateway}[@])))'],
      ],
      'From the first byte of a request to the end of its answer. WebSockets and gRPC streams count with their whole life.',
    ),
    stacked('Requests by status', 'reqps', [['{{status}}', 'sum by (status) (rate(weir_requests_total{@gateway}[@]))']], ''),
    stacked(
      'Errors by code',
      'reqps',
      [['{{code}}', 'sum by (code) (rate(weir_errors_total{@gateway}[@]))']],
      'Failed requests and answers of the proxy itself: see the reference of errors.',
    ),
    graph('Listeners', 'reqps', [['{{listener}}', 'sum by (listener) (rate(weir_requests_total{@gateway}[@]))']], ''),
    graph(
      'Bytes of bodies',
      'Bps',
      [
        ['requests', 'sum(rate(weir_request_bytes_total{@gateway}[@]))'],
        ['answers', 'sum(rate(weir_response_bytes_total{@gateway}[@]))'],
      ],
      '',
    ),
    graph('Alerts by severity', 'short', [['{{severity}}', 'sum by (severity) (weir_alerts{@,state="firing"})']], 'Those that fire.'),
    row('By backend'),
    graph(
      'Requests by backend',
      'reqps',
      [['{{backend}}', 'sum by (backend) (rate(weir_upstream_attempts_total{@}[@]))']],
      'Attempts per second, retries and copies included.',
    ),
    graph(
      'Errors by backend',
      'reqps',
      [
        ['{{backend}} 5xx', 'sum by (backend) (rate(weir_upstream_responses_total{@,status_class="5xx"}[@]))'],
        ['{{backend}} failed', 'sum by (backend) (rate(weir_upstream_attempts_total{@,outcome="failed"}[@]))'],
      ],
      'Answers with 5xx, and attempts that failed, per second.',
    ),
    graph(
      'First byte by backend, p95',
      's',
      [['{{backend}}', 'histogram_quantile(0.95, sum by (backend, le) (rate(weir_upstream_first_byte_seconds_bucket{@}[@])))']],
      'From a request on its connection to the head of its answer.',
    ),
  ],
);
