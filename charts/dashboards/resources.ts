// The dashboard "Resources".
import { dashboard, graph, row, table } from './dashboard.ts';

export const resources = dashboard(
  'resources',
  'Weir / Resources',
  'What proxies and controllers use: CPU, memory, event loop, descriptors, connections; and overload.',
  [],
  [
    row('Processes'),
    graph(
      'CPU',
      'short',
      [['{{instance}}', 'sum by (instance) (rate(process_cpu_seconds_total{@}[@])) and on (instance) weir_build_info{@}']],
      'Cores.',
    ),
    graph(
      'Memory',
      'bytes',
      [['{{instance}}', 'sum by (instance) (process_resident_memory_bytes{@}) and on (instance) weir_build_info{@}']],
      'Resident.',
    ),
    graph(
      'Event loop lag, p99',
      's',
      [['{{instance}}', 'max by (instance) (nodejs_eventloop_lag_p99_seconds{@}) and on (instance) weir_build_info{@}']],
      'How late timers run.',
    ),
    graph(
      'File descriptors',
      'percentunit',
      [['{{instance}}', 'max by (instance) (process_open_fds{@} / process_max_fds{@}) and on (instance) weir_build_info{@}']],
      'Share of the limit.',
    ),
    graph(
      'Workers',
      'short',
      [
        ['{{instance}}', 'sum by (instance) (weir_workers{@})'],
        ['{{instance}} replaced', 'sum by (instance) (increase(weir_worker_restarts_total{@}[1h]))'],
      ],
      'Those that serve, and those that were replaced in the last hour.',
    ),
    table('Versions', 'short', 'count by (namespace, job, version, node) (weir_build_info{@})', ''),
    row('Connections'),
    graph(
      'Connections from clients',
      'cps',
      [
        ['accepted', 'sum(rate(weir_downstream_connections_total{@}[@]))'],
        ['refused', 'sum(rate(weir_downstream_connections_refused_total{@}[@]))'],
      ],
      'Per second.',
    ),
    graph(
      'Open connections',
      'short',
      [['{{instance}}', 'sum by (instance) (weir_downstream_connections_active{@})']],
      'From clients, by proxy.',
    ),
    graph('Requests under way', 'short', [['{{instance}}', 'sum by (instance) (weir_requests_active{@})']], 'By proxy.'),
    graph(
      'Connections to endpoints',
      'short',
      [['{{instance}}', 'sum by (instance) (weir_upstream_connections_open{@})']],
      'Open ones, by proxy.',
    ),
    graph(
      'Request bodies taken in',
      'bytes',
      [['bodies', 'sum(weir_request_bodies_gathered_bytes{@})']],
      'Before their requests are sent on.',
    ),
    row('Overload'),
    graph(
      'Severity',
      'short',
      [['{{instance}} {{signal}}', 'max by (instance, signal) (weir_overload_severity{@})']],
      'From 1 on requests are refused.',
    ),
    graph(
      'Shed',
      'reqps',
      [['{{cause}} {{priority}}', 'sum by (cause, priority) (rate(weir_shed_total{@}[@])) or vector(0)']],
      'Requests and connections that overloaded workers refuse.',
    ),
    graph(
      'Lines of the access log that were dropped',
      'ops',
      [['{{instance}}', 'sum by (instance) (rate(weir_access_log_drops_total{@}[@])) or vector(0)']],
      'Their output is not read fast enough.',
    ),
  ],
);
