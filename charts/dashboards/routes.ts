// The dashboard "Routes".
import { dashboard, graph, row } from './dashboard.ts';

export const routes = dashboard(
  'routes',
  'Weir / Routes',
  'What single routes serve: rate, errors, latency, limits, caches.',
  ['gateway'],
  [
    row('HTTP'),
    graph(
      'Requests by route',
      'reqps',
      [['{{route}}', 'topk(20, sum by (route) (rate(weir_requests_total{@gateway}[@])))']],
      'The 20 busiest. Route none: no route matches.',
    ),
    graph(
      '5xx by route',
      'reqps',
      [['{{route}}', 'topk(20, sum by (route) (rate(weir_requests_total{@gateway,status_class="5xx"}[@])))']],
      'The 20 worst, requests per second.',
    ),
    graph(
      'Latency by route, p95',
      's',
      [['{{route}}', 'topk(20, histogram_quantile(0.95, sum by (route, le) (rate(weir_request_duration_seconds_bucket{@gateway}[@]))))']],
      'The 20 slowest.',
    ),
    graph('gRPC calls by status', 'reqps', [['{{grpc_status}}', 'sum by (grpc_status) (rate(weir_grpc_requests_total{@gateway}[@]))']], ''),
    graph(
      'Retries by route',
      'reqps',
      [['{{route}}', 'sum by (route) (rate(weir_request_retries_total{@}[@])) > 0']],
      'Attempts after the first.',
    ),
    graph(
      'Errors by route and code',
      'reqps',
      [['{{route}} {{code}}', 'topk(20, sum by (route, code) (rate(weir_errors_total{@gateway}[@])))']],
      'Failed requests and answers of the proxy itself: the 20 most frequent.',
    ),
    row('Bodies'),
    graph(
      'Bytes of requests by route',
      'Bps',
      [['{{route}}', 'topk(20, sum by (route) (rate(weir_request_bytes_total{@gateway}[@])))']],
      'The 20 largest.',
    ),
    graph(
      'Bytes of answers by route',
      'Bps',
      [['{{route}}', 'topk(20, sum by (route) (rate(weir_response_bytes_total{@gateway}[@])))']],
      'The 20 largest.',
    ),
    row('Limits and stores'),
    graph(
      'Limits',
      'reqps',
      [['{{limit}} {{outcome}}', 'sum by (limit, outcome) (rate(weir_limit_requests_total{@}[@])) or vector(0)']],
      'Requests at limits of RateLimitPolicies.',
    ),
    graph(
      'Cache',
      'reqps',
      [['{{outcome}}', 'sum by (outcome) (rate(weir_cache_requests_total{@}[@])) or vector(0)']],
      'Requests of routes with a cache, by outcome.',
    ),
    graph(
      'Cache hits by route',
      'percentunit',
      [
        [
          '{{route}}',
          'topk(20, sum by (route) (rate(weir_route_cache_requests_total{@gateway,outcome=~"hit|stale|collapsed|validated"}[@])) / sum by (route) (rate(weir_route_cache_requests_total{@gateway}[@]))) or vector(0)',
        ],
      ],
      'Share of requests answered out of the cache.',
    ),
    graph(
      'Idempotency keys',
      'reqps',
      [['{{outcome}}', 'sum by (outcome) (rate(weir_idempotency_requests_total{@}[@])) or vector(0)']],
      'Requests of routes with idempotency keys, by outcome.',
    ),
    row('Consumers and plugins'),
    graph(
      'Requests by Consumer',
      'reqps',
      [['{{consumer}}', 'topk(20, sum by (consumer) (rate(weir_consumer_requests_total{@}[@]))) or vector(0)']],
      'The 20 busiest.',
    ),
    graph(
      'Errors by Consumer and code',
      'reqps',
      [['{{consumer}} {{code}}', 'topk(20, sum by (consumer, code) (rate(weir_consumer_errors_total{@}[@]))) or vector(0)']],
      'Failed and refused requests: the 20 most frequent.',
    ),
    graph(
      'Latency by plan, p95',
      's',
      [['{{plan}}', 'histogram_quantile(0.95, sum by (plan, le) (rate(weir_plan_request_duration_seconds_bucket{@}[@]))) or vector(0)']],
      'Requests of Consumers. Plan none: their Consumers have no plan.',
    ),
    graph(
      'Calls of plugins',
      'ops',
      [['{{plugin}} {{outcome}}', 'topk(20, sum by (plugin, outcome) (rate(weir_plugin_calls_total{@}[@]))) or vector(0)']],
      'Per second, by outcome.',
    ),
    graph(
      'Time of plugins, p95',
      's',
      [
        [
          '{{plugin}} {{hook}}',
          'histogram_quantile(0.95, sum by (plugin, hook, le) (rate(weir_plugin_call_duration_seconds_bucket{@}[@]))) or vector(0)',
        ],
      ],
      'Of one call, with its waits.',
    ),
    row('Streams'),
    graph(
      'WebSockets',
      'short',
      [
        ['{{route}}', 'sum by (route) (weir_websockets_active{@gateway})'],
        ['messages {{direction}}', 'sum by (direction) (rate(weir_websocket_messages_total{@gateway}[@]))'],
      ],
      'Open ones, and messages per second.',
    ),
    graph('TCP, TLS and UDP: connections', 'short', [['open', 'sum(weir_stream_connections_active{@})']], 'Open ones.'),
    graph(
      'TCP, TLS and UDP: bytes',
      'Bps',
      [
        ['{{route}} received', 'sum by (route) (rate(weir_stream_received_bytes_total{@gateway}[@]))'],
        ['{{route}} sent', 'sum by (route) (rate(weir_stream_sent_bytes_total{@gateway}[@]))'],
      ],
      '',
    ),
    graph(
      'TCP, TLS and UDP: failures',
      'cps',
      [['{{code}}', 'sum by (code) (rate(weir_stream_failures_total{@gateway}[@]))']],
      'Per second, by code.',
    ),
  ],
);
