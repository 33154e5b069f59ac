// Keeps the rules for Service addresses up to date: they follow Services and EndpointSlices within milliseconds.
import type { AddressPlan } from './address-plan.ts';
import { run } from './command.ts';
import type { EndpointSlice, Service } from './objects.ts';
import type { Reflector } from './reflector.ts';
import { rulesetOf, serviceEntries } from './ruleset.ts';
import type { ServiceEntry } from './ruleset.ts';

export class ServiceAddresses {
  readonly #services: Reflector<Service>;
  readonly #slices: Reflector<EndpointSlice>;
  readonly #plan: AddressPlan;
  readonly #nodes: readonly string[];
  #wanted = false;
  #applying: Promise<void> | null = null;
  #applied = '';
  #udp: ReadonlySet<string> = new Set();

  constructor(services: Reflector<Service>, slices: Reflector<EndpointSlice>, plan: AddressPlan, nodes: readonly string[]) {
    this.#services = services;
    this.#slices = slices;
    this.#plan = plan;
    this.#nodes = nodes;
    services.onChange(() => this.#change());
    slices.onChange(() => this.#change());
  }

  /** Applies the current state. */
  async start(): Promise<void> {
    this.#change();
    await this.#applying;
  }

  #change(): void {
    this.#wanted = true;
    this.#applying ??= this.#applyAll();
  }

  async #applyAll(): Promise<void> {
    while (this.#wanted) {
      this.#wanted = false;
      const entries = serviceEntries(this.#services.all(), this.#slices.all(), this.#nodes);
      // A ruleset that nftables refuses is a bug: it ends the nodes, and the test prints their log.
      await this.#apply(entries);
    }
    this.#applying = null;
  }

  async #apply(entries: readonly ServiceEntry[]): Promise<void> {
    const ruleset = rulesetOf(entries, this.#plan);
    if (ruleset === this.#applied) return;
    await run('nft', ['-f', '-'], ruleset);
    this.#applied = ruleset;
    await this.#forgetDatagrams(entries);
  }

  /** Removes the tracked flows of a deleted endpoint: otherwise a peer that keeps sending datagrams would stay there. */
  async #forgetDatagrams(entries: readonly ServiceEntry[]): Promise<void> {
    const udp = entries.filter(({ protocol }) => protocol === 'udp').flatMap(({ destinations }) => destinations);
    const now = new Set(udp.map(({ address }) => address));
    const gone = [...this.#udp].filter((address) => !now.has(address));
    this.#udp = now;
    // It fails if there are no such flows.
    for (const address of gone) await run('conntrack', ['-D', '-p', 'udp', '--reply-src', address]).catch(() => undefined);
  }
}
