// All Pods of all nodes: one `Pod` for each Pod that is scheduled to one of these nodes.
import type { Container } from './container.ts';
import type { Pod } from './objects.ts';
import { PodLife } from './pod.ts';
import type { PodSurroundings } from './pod.ts';
import type { Reflector } from './reflector.ts';

export class Kubelet {
  readonly #around: PodSurroundings;
  readonly #nodes: ReadonlySet<string>;
  readonly #pods: Reflector<Pod>;
  readonly #lives = new Map<string, PodLife>();

  constructor(pods: Reflector<Pod>, around: PodSurroundings) {
    this.#pods = pods;
    this.#around = around;
    this.#nodes = new Set(around.settings.nodes.map(({ name }) => name));
    pods.onChange((pod, gone) => this.#take(pod, gone));
  }

  /** The container of a Pod that runs here. */
  container(namespace: string, pod: string, container: string): Container | undefined {
    const uid = this.#pods.get(namespace, pod)?.metadata.uid ?? '';
    return this.#lives.get(uid)?.container(container);
  }

  /** The network namespace of a Pod that runs here. */
  network(namespace: string, pod: string): string | undefined {
    const uid = this.#pods.get(namespace, pod)?.metadata.uid ?? '';
    return this.#lives.get(uid)?.network;
  }

  #take(pod: Pod, gone: boolean): void {
    const uid = pod.metadata.uid ?? '';
    if (!this.#nodes.has(pod.spec.nodeName ?? '')) return;
    const life = this.#lives.get(uid);
    if (gone) {
      this.#lives.delete(uid);
      life?.gone().catch((error: unknown) => console.error(`end of pod ${pod.metadata.name}`, error));
      return;
    }
    const known = life ?? new PodLife(pod, this.#around);
    this.#lives.set(uid, known);
    known.update(pod);
  }
}
