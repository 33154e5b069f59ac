// Metrics for autoscalers, set by a test: an API of the cluster (external.metrics.k8s.io) that the API server forwards to the test.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TestCa } from '../support/certificates.ts';
import type { Cluster } from './cluster.ts';

const GROUP_VERSION = 'external.metrics.k8s.io/v1beta1';
const NAME = 'v1beta1.external.metrics.k8s.io';
/** `/apis/external.metrics.k8s.io/v1beta1/namespaces/<namespace>/<metric>`. */
const METRIC = /^\/apis\/external\.metrics\.k8s\.io\/v1beta1\/namespaces\/[^/]+\/([^/?]+)/;

export class ExternalMetrics {
  readonly #values = new Map<string, number>();
  readonly #server: Server;
  readonly #ca: TestCa;

  private constructor(server: Server, ca: TestCa) {
    this.#server = server;
    this.#ca = ca;
    server.on('request', ({ url = '' }, response) => this.#answer(url, response));
  }

  /** Resolves once the API server passes the API on. */
  static async start(cluster: Cluster): Promise<ExternalMetrics> {
    const ca = await TestCa.create();
    const { certificate, privateKey } = await ca.issue('metrics', 'IP:127.0.0.1');
    const server = createServer({ cert: readFileSync(certificate), key: readFileSync(privateKey) });
    const metrics = new ExternalMetrics(server, ca);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await metrics.#register(cluster, (server.address() as AddressInfo).port);
    return metrics;
  }

  /** The value of a metric in every namespace from now on. */
  set(name: string, value: number): void {
    this.#values.set(name, value);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await this.#ca.remove();
  }

  /** A Service with an external name lets the API server connect to a host outside the cluster. */
  async #register(cluster: Cluster, port: number): Promise<void> {
    const [group, version] = GROUP_VERSION.split('/');
    const metadata = { name: 'external-metrics', namespace: 'default' };
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { type: 'ExternalName', externalName: '127.0.0.1', ports: [{ port }] },
    };
    const spec = {
      group,
      version,
      groupPriorityMinimum: 100,
      versionPriority: 100,
      insecureSkipTLSVerify: true,
      service: { ...metadata, port },
    };
    const api = { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: NAME }, spec };
    await cluster.apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [service, api] }));
    await cluster.kubectl(['wait', '--for=condition=Available', `apiservice/${NAME}`, '--timeout=60s']);
  }

  #answer(url: string, response: ServerResponse): void {
    const metric = METRIC.exec(url)?.[1];
    if (metric === undefined && !url.startsWith(`/apis/${GROUP_VERSION}`)) return respond(response, 404, {});
    if (metric === undefined)
      return respond(response, 200, { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: GROUP_VERSION, resources: [] });
    const item = {
      metricName: metric,
      metricLabels: {},
      timestamp: new Date().toISOString(),
      value: String(this.#values.get(metric) ?? 0),
    };
    respond(response, 200, { kind: 'ExternalMetricValueList', apiVersion: GROUP_VERSION, metadata: {}, items: [item] });
  }
}

function respond(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
