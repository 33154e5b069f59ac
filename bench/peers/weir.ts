// Weir by `weir up`: one worker, metrics on, with or without access log.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { originPorts, routePath } from '../scenario.ts';
import type { Peer, Scenario } from '../scenario.ts';

function documents(scenario: Scenario): string[] {
  const endpoints = originPorts(scenario).map((port) => `{ ip: 127.0.0.1, port: ${port} }`);
  const gateway = [
    'apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: { name: weir }\nspec: { controllerName: gateway.weir.dev/controller }',
    `apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: { name: bench }\nspec:\n  gatewayClassName: weir\n  listeners: [${listener(scenario)}]`,
    `apiVersion: gateway.weir.dev/v1alpha1\nkind: Backend\nmetadata: { name: origin }\nspec: { protocol: ${scenario.upstream === 'h2' ? 'http2' : 'http1'}, endpoints: [${endpoints}] }`,
    ...balancingOf(scenario),
  ];
  if (scenario.limits !== undefined) gateway.push(PRIORITY);
  if (scenario.downstream === 'tcp') return [...gateway, tcpRoute()];
  return [...gateway, ...secrets(scenario), ...Array.from({ length: scenario.routes }, (_, index) => route(index))];
}

const TYPES = { 'round robin': 'RoundRobin', 'least request': 'LeastRequest', 'peak ewma': 'PeakEWMA' } as const;

/** A metric of each kind by a policy, with a label. */
const POLICY_METRICS = `apiVersion: gateway.weir.dev/v1alpha1
kind: TelemetryPolicy
metadata: { name: metrics }
spec:
  targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: bench }]
  metrics:
    - { name: bench_requests_total, type: Counter, labels: [{ name: method, value: request.method }] }
    - { name: bench_request_milliseconds, type: Histogram, value: outcome.durationMs, labels: [{ name: method, value: request.method }] }`;

function balancingOf({ balancing }: Scenario): string[] {
  if (balancing === undefined) return [];
  const spec = `{ targetRefs: [{ kind: Gateway, name: bench }], loadBalancer: { type: ${TYPES[balancing.algorithm]} } }`;
  return [`apiVersion: gateway.weir.dev/v1alpha1\nkind: BackendTrafficPolicy\nmetadata: { name: balancing }\nspec: ${spec}`];
}

function listener({ listenPort, certificate, downstream }: Scenario): string {
  if (downstream === 'tcp') return `{ name: tcp, protocol: TCP, port: ${listenPort} }`;
  if (certificate === null) return `{ name: http, protocol: HTTP, port: ${listenPort} }`;
  return `{ name: https, protocol: HTTPS, port: ${listenPort}, tls: { certificateRefs: [{ name: bench }] } }`;
}

function secrets({ certificate }: Scenario): string[] {
  if (certificate === null) return [];
  const [chain, key] = [certificate.certificate, certificate.privateKey].map((file) => readFileSync(file).toString('base64'));
  return [`apiVersion: v1\nkind: Secret\nmetadata: { name: bench }\ntype: kubernetes.io/tls\ndata: { tls.crt: ${chain}, tls.key: ${key} }`];
}

function route(index: number): string {
  const rule = `{ matches: [{ path: { type: PathPrefix, value: ${routePath(index)} } }], backendRefs: [{ group: gateway.weir.dev, kind: Backend, name: origin }] }`;
  return `apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: r${index} }\nspec: { parentRefs: [{ name: bench }], rules: [${rule}] }`;
}

function tcpRoute(): string {
  const rule = '{ backendRefs: [{ group: gateway.weir.dev, kind: Backend, name: origin }] }';
  return `apiVersion: gateway.networking.k8s.io/v1\nkind: TCPRoute\nmetadata: { name: all }\nspec: { parentRefs: [{ name: bench }], rules: [${rule}] }`;
}

const PRIORITY = `apiVersion: gateway.weir.dev/v1alpha1
kind: BackendTrafficPolicy
metadata: { name: priority }
spec:
  targetRefs: [{ kind: Gateway, name: bench }]
  priority: { header: x-priority }`;

function limitFlags({ limits }: Scenario): string[] {
  if (limits === undefined) return [];
  const { connections, pending, pendingMs } = limits;
  const flags = { 'max-connections-per-endpoint': connections, 'max-pending-per-endpoint': pending, 'pending-timeout': `${pendingMs}ms` };
  return Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

/** The Weir of a checkout (folder). */
export function weirOf(name: string, checkout: string, logs = false, policies: readonly string[] = []): Peer {
  const main = path.resolve(checkout, 'cli', 'weir.ts');
  return {
    name,
    logs,
    carries: () => true,
    missing: () => (existsSync(main) ? null : `there is no ${main}`),
    command(scenario) {
      const folder = path.join(scenario.folder, name);
      mkdirSync(folder, { recursive: true });
      writeFileSync(path.join(folder, 'bench.yaml'), [...documents(scenario), ...policies].join('\n---\n'));
      return {
        file: process.execPath,
        args: [
          ...[main, 'up', folder, '--workers', '1', '--access-log', logs ? 'stdout' : 'off', '--log-level', 'error'],
          ...limitFlags(scenario),
        ],
      };
    },
  };
}

const OWN = path.resolve(import.meta.dirname, '..', '..');

export const weir = weirOf('weir', OWN);

/** With metrics of a policy, besides those that every Weir has. */
export const weirMetrics = weirOf('weir-metrics', OWN, false, [POLICY_METRICS]);

/** With the default access log. */
export const weirLog = weirOf('weir-log', OWN, true);

/** With traces of a share of the requests, percent. The origin takes the spans: it answers everything with 200, and nothing is dropped. */
export function tracingWeir(name: string, percent: number): Peer {
  const plain = weirOf(name, OWN);
  return {
    ...plain,
    plain: weir.name,
    command(scenario) {
      const command = plain.command(scenario);
      const flags = [`--otlp-endpoint=http://127.0.0.1:${scenario.originPort}`, `--tracing-sampling=${percent}`];
      return { ...command, args: [...command.args, ...flags] };
    },
  };
}
