// One lookup of a name: its addresses, or those of the targets of its SRV records, as endpoints.
import type { Endpoint } from '#api/ir/ir.ts';
import type { DnsSettings } from '#api/k8s/backend-source/dns.ts';
import type { Answer, Records, ServiceRecord } from './records.ts';

/** The last good answer to each question, which replaces a failed one. */
export type Memory = Map<string, readonly unknown[]>;

/** The result of a lookup. */
export interface Looked {
  readonly endpoints: readonly Endpoint[];
  /** The shortest time to live, seconds; null if none is known. */
  readonly ttl: number | null;
  /** Why a question failed; null if none did. */
  readonly failure: string | null;
}

/** The highest number of targets of SRV records; more would be many thousand questions. */
const MAX_TARGETS = 256;
const MAX_PRIORITY = 7;
const MAX_WEIGHT = 1_000;

/** Looks a name up. `memory` belongs to the name. */
export async function lookUp(settings: DnsSettings, records: Records, memory: Memory): Promise<Looked> {
  const asking = new Asking(records, memory);
  const endpoints = settings.type === 'SRV' ? await services(settings, asking) : await addresses(settings, asking);
  return { endpoints, ttl: asking.ttl, failure: asking.failure };
}

/** The questions of one lookup. */
class Asking {
  readonly #records: Records;
  readonly #memory: Memory;
  ttl: number | null = null;
  failure: string | null = null;

  constructor(records: Records, memory: Memory) {
    this.#records = records;
    this.#memory = memory;
  }

  async addresses(name: string, types: readonly ('A' | 'AAAA')[]): Promise<readonly string[]> {
    const answers = await Promise.all(types.map(async (type) => this.#take(`${type} ${name}`, await this.#records.addresses(name, type))));
    return answers.flat();
  }

  async services(name: string): Promise<readonly ServiceRecord[]> {
    return this.#take(`SRV ${name}`, await this.#records.services(name));
  }

  #take<R>(question: string, answer: Answer<R>): readonly R[] {
    if (answer.status === 'failed') {
      this.failure ??= answer.reason;
      return (this.#memory.get(question) ?? []) as readonly R[];
    }
    const found = answer.status === 'records' ? answer.records : [];
    this.#memory.set(question, found);
    if (answer.status === 'records' && answer.ttl !== null) this.ttl = Math.min(this.ttl ?? Infinity, answer.ttl);
    return found;
  }
}

async function addresses({ name, type, port = 0 }: DnsSettings, asking: Asking): Promise<readonly Endpoint[]> {
  const found = await asking.addresses(name, type === 'A' || type === 'AAAA' ? [type] : ['A', 'AAAA']);
  return found.map((address) => ({ address, port, draining: false }));
}

async function services({ name }: DnsSettings, asking: Asking): Promise<readonly Endpoint[]> {
  const all = await asking.services(name);
  // A target "." means that there is no such service (RFC 2782). node:dns gives it as ''.
  const targets = all.filter((target) => target.name !== '' && target.name !== '.' && target.port > 0).slice(0, MAX_TARGETS);
  const priorities = [...new Set(targets.map(({ priority }) => priority))].sort((a, b) => a - b);
  const heaviest = Math.max(...targets.map(({ weight }) => weight));
  const found = await Promise.all(targets.map((target) => asking.addresses(target.name, ['A', 'AAAA'])));
  return targets.flatMap((target, i) => {
    const own = found[i] ?? [];
    const rank = { priority: Math.min(priorities.indexOf(target.priority), MAX_PRIORITY) };
    const weight = heaviest === 0 ? {} : { weight: share(target.weight, heaviest, own.length) };
    return own.map((address) => ({ address, port: target.port, draining: false, ...weight, ...rank }));
  });
}

/** The weight of one of the addresses of a target. Weight 0 means a very small share. */
function share(weight: number, heaviest: number, addressCount: number): number {
  const scaled = heaviest <= MAX_WEIGHT ? weight : (weight * MAX_WEIGHT) / heaviest;
  return Math.max(1, Math.round(scaled / addressCount));
}
