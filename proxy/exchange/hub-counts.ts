// Counts what hubs do, by their names.
import type { MetricFamily } from '#lib/metric.ts';

/** The counts of one hub. */
export interface HubCount {
  webSockets: number;
  eventStreams: number;
  subscriptions: number;
  published: number;
  deliveries: number;
  /** Connections that ended because their clients did not read. */
  slow: number;
  /** Requests and messages that its rules refuse. */
  denied: number;
}

/** Hubs are in policies, so there are few. */
export class HubCounts {
  readonly #byHub = new Map<string, HubCount>();

  /** The counts of a hub, `<namespace>/<name>`: the same object each time. */
  of(hub: string): HubCount {
    let count = this.#byHub.get(hub);
    if (count === undefined) {
      count = { webSockets: 0, eventStreams: 0, subscriptions: 0, published: 0, deliveries: 0, slow: 0, denied: 0 };
      this.#byHub.set(hub, count);
    }
    return count;
  }

  families(): readonly MetricFamily[] {
    return [
      {
        name: 'weir_hub_connections',
        type: 'gauge',
        help: 'Open connections of hubs',
        read: () =>
          [...this.#byHub].flatMap(([hub, { webSockets, eventStreams }]) => [
            { labels: { hub, transport: 'websocket' }, value: webSockets },
            { labels: { hub, transport: 'events' }, value: eventStreams },
          ]),
      },
      this.#family('weir_hub_subscriptions', 'gauge', 'Subscriptions of open connections to topics', 'subscriptions'),
      this.#family('weir_hub_published_total', 'counter', 'Messages that clients published', 'published'),
      this.#family('weir_hub_deliveries_total', 'counter', 'Messages to subscribers, each counted once for each of them', 'deliveries'),
      this.#family('weir_hub_slow_clients_total', 'counter', 'Connections that ended because their clients did not read', 'slow'),
      this.#family('weir_hub_denied_total', 'counter', 'Subscriptions and publications that the rules refused', 'denied'),
    ];
  }

  #family(name: string, type: MetricFamily['type'], help: string, field: keyof HubCount): MetricFamily {
    return { name, type, help, read: () => Array.from(this.#byHub, ([hub, count]) => ({ labels: { hub }, value: count[field] })) };
  }
}
