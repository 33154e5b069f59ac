// Events of Pods, as a kubelet writes them: `kubectl describe pod` shows them.
import type { Api } from './api.ts';
import type { Pod } from './objects.ts';

export class Events {
  readonly #api: Api;
  #count = 0;

  constructor(api: Api) {
    this.#api = api;
  }

  /** Writes a warning; it is lost if the API server refuses it. */
  warn({ metadata, spec }: Pod, reason: string, message: string): void {
    const { namespace, name, uid } = metadata;
    const now = new Date().toISOString();
    this.#count += 1;
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name}.${process.hrtime.bigint().toString(36)}${this.#count}`, namespace },
      involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
      type: 'Warning',
      reason,
      message,
      source: { component: 'kubelet', host: spec.nodeName },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    };
    this.#api.post(`/api/v1/namespaces/${namespace}/events`, event).catch(() => undefined);
  }
}
