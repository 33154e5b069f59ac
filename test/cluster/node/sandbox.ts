// The sandbox of a Pod: a network namespace with an address, connected by a pair of links with a route. There is no bridge: replies then
// pass the same connection tracking as requests, and Service addresses work between Pods.
import { ip, run } from './command.ts';
import { podAddresses } from './address-plan.ts';
import type { AddressPlan } from './address-plan.ts';

/** The gateway of every Pod; only the Pod's own link has this address. */
const LINK_GATEWAY = '169.254.1.1';

/** A setting of the kernel, as a Pod has it. */
export interface Sysctl {
  readonly name: string;
  readonly value: string;
}

/** The default of container runtimes: users other than root may listen on 80. */
const UNPRIVILEGED_PORTS: Sysctl = { name: 'net.ipv4.ip_unprivileged_port_start', value: '0' };

/** Allocates Pod addresses, the one that was free longest first. */
export class AddressPool {
  readonly #free: string[];

  constructor(plan: AddressPlan) {
    this.#free = podAddresses(plan);
  }

  take(): string {
    const address = this.#free.shift();
    if (address === undefined) throw new Error('every Pod address is taken');
    return address;
  }

  give(address: string): void {
    this.#free.push(address);
  }
}

export class Sandbox {
  readonly namespace: string;
  readonly address: string;
  readonly #link: string;
  readonly #pool: AddressPool;

  private constructor(pool: AddressPool) {
    this.#pool = pool;
    this.address = pool.take();
    const parts = this.address.split('.');
    // A link's name has at most 15 characters.
    this.#link = `pod-${parts.slice(2).join('-')}`;
    this.namespace = this.#link;
  }

  /** `sysctls` must be those of a network namespace. */
  static async open(pool: AddressPool, sysctls: readonly Sysctl[] = []): Promise<Sandbox> {
    const sandbox = new Sandbox(pool);
    await sandbox.#open();
    await sandbox.#set([UNPRIVILEGED_PORTS, ...sysctls]);
    return sandbox;
  }

  async #open(): Promise<void> {
    const [link, name] = [this.#link, this.namespace];
    await ip([
      `netns add ${name}`,
      `link add ${link} type veth peer name eth0 netns ${name}`,
      `address add ${LINK_GATEWAY}/32 dev ${link}`,
      `link set ${link} up`,
      `route add ${this.address}/32 dev ${link}`,
    ]);
    await ip(
      [
        'link set lo up',
        `address add ${this.address}/32 dev eth0`,
        'link set eth0 up',
        `route add ${LINK_GATEWAY}/32 dev eth0`,
        `route add default via ${LINK_GATEWAY} dev eth0`,
      ],
      name,
    );
  }

  /** The kernel shows each process the settings of its own network. */
  async #set(sysctls: readonly Sysctl[]): Promise<void> {
    const words = sysctls.flatMap(({ name, value }) => [value, `/proc/sys/${name.replaceAll('.', '/')}`]);
    const script = 'while [ $# -gt 0 ]; do echo "$1" > "$2"; shift 2; done';
    await run('ip', ['netns', 'exec', this.namespace, 'sh', '-ec', script, 'sh', ...words]);
  }

  async close(): Promise<void> {
    await ip([`link delete ${this.#link}`, `netns delete ${this.namespace}`]);
    this.#pool.give(this.address);
  }
}
