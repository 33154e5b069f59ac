// What an exchange has of the plugins that see it.
import type { Exchange } from '../exchange/exchange.ts';
import { Slot } from '../exchange/slot.ts';
import type { Attributes } from './message.ts';
import type { LoopIsolate } from './loop-isolate.ts';
import type { PluginIsolate } from './plugin-isolate.ts';
import type { PluginVersion } from './plugin-version.ts';

/** An exchange and one plugin, from its first hook to its end: all hooks are those of one version. */
export class Visit {
  readonly id: number;
  readonly version: PluginVersion;
  /** The isolate may have a part of a body. */
  holds = false;
  /** Where the exchange has its state, or null. */
  #place: LoopIsolate | PluginIsolate | null = null;
  /** Of a thread: a later isolate does not have the state. */
  #generation = 0;

  constructor(id: number, version: PluginVersion) {
    this.id = id;
    this.version = version;
  }

  /** Whether the exchange has its state on this event loop, or has none. */
  mayRunOn(loop: LoopIsolate): boolean {
    return this.#place === null || this.#place === loop;
  }

  isAt(place: LoopIsolate): boolean {
    return this.#place === place;
  }

  enterLoop(loop: LoopIsolate): void {
    this.#place = loop;
  }

  /** The thread for the next hook. `isKnown`: it has the heads and the state; `state`: that of the isolate before, if it can be had. */
  enterThread(): { readonly thread: PluginIsolate; readonly isKnown: boolean; readonly state: Readonly<Record<string, unknown>> | null } {
    const place = this.#place;
    if (place !== null && 'enter' in place) {
      const isKnown = this.#generation === place.generation;
      this.#generation = place.generation;
      return { thread: place, isKnown, state: null };
    }
    const { thread } = this.version;
    thread.enter();
    this.#place = thread;
    this.#generation = thread.generation;
    return { thread, isKnown: false, state: place?.savedState(this.id) ?? null };
  }

  /** The exchange is over for the plugin. `attributes`: the last ones, for WebAssembly. */
  end(attributes: Attributes | undefined): void {
    const place = this.#place;
    if (place === null) return;
    if (!('enter' in place)) return place.forget(this.id);
    if (this.#generation === place.generation)
      place.tell({ type: 'end', exchange: this.id, ...(attributes === undefined ? {} : { attributes }) }, null);
    place.leave();
  }
}

/** Several plugins may see an exchange. */
const slot = new Slot<Map<object, Visit>>();

/** The visit of an exchange at a plugin; null: there is none. */
export function visitOf(exchange: Exchange, plugin: object): Visit | null {
  return slot.get(exchange)?.get(plugin) ?? null;
}

export function keepVisit(exchange: Exchange, plugin: object, visit: Visit): Visit {
  let visits = slot.get(exchange);
  if (visits === null) slot.set(exchange, (visits = new Map<object, Visit>()));
  visits.set(plugin, visit);
  return visit;
}

/** Ends the visit, if there is one. */
export function endVisit(exchange: Exchange, plugin: object, attributesOf?: (exchange: Exchange) => Attributes): void {
  const visits = slot.get(exchange);
  const visit = visits?.get(plugin);
  if (visit === undefined) return;
  visits?.delete(plugin);
  visit.end(attributesOf?.(exchange));
}
