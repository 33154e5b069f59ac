// The addresses of a cluster with nodes: one /20 of 100.64.0.0/10 (no real network uses this range), cut into parts.

/** The parts of one block. Addresses are IPv4 in dotted form, ranges CIDR. */
export interface AddressPlan {
  /** The whole block, for the routing table of this machine. */
  readonly block: string;
  /** Name of the network link on the test's own machine; at most 15 characters. */
  readonly link: string;
  /** The test's own end of the link; the API server listens here. */
  readonly host: string;
  /** The other end, where the cluster begins. */
  readonly gateway: string;
  /** Answers names. */
  readonly dns: string;
  readonly services: string;
  readonly balancers: string;
  /** Addresses that the load balancer of the nodes does not use; tests may assign them to Services. */
  readonly pool: string;
}

/** Number of blocks in 100.64.0.0/10. */
export const BLOCKS = 1024;

const FIRST_NODE = 10;
const PODS = { third: 1, count: 3 * 256 };
const BALANCERS = { third: 12, count: 254 };
const POOL = { third: 13, count: 254 };

/** The plan of block `index`, from 0. */
export function planOf(index: number): AddressPlan {
  const at = (third: number, fourth: number) => addressIn(index, third, fourth);
  return {
    block: `${at(0, 0)}/20`,
    link: `weir-${64 + (index >> 4)}-${(index & 15) << 4}`,
    host: at(0, 1),
    gateway: at(0, 2),
    dns: at(0, 3),
    services: `${at(8, 0)}/22`,
    balancers: `${at(BALANCERS.third, 0)}/24`,
    pool: `${at(POOL.third, 0)}/24`,
  };
}

/** The address of node `number`, from 0. */
export function nodeAddress(plan: AddressPlan, number: number): string {
  return offset(plan, FIRST_NODE + number);
}

/** Every Pod address, in the order of their allocation. */
export function podAddresses(plan: AddressPlan): string[] {
  return Array.from({ length: PODS.count }, (_, index) => offset(plan, PODS.third * 256 + index)).filter(isUsable);
}

/** Every address a Service of type LoadBalancer can get. */
export function balancerAddresses(plan: AddressPlan): string[] {
  return hosts(plan, BALANCERS);
}

/** Every address of `pool` that a Service can get. */
export function poolAddresses(plan: AddressPlan): string[] {
  return hosts(plan, POOL);
}

function hosts(plan: AddressPlan, { third, count }: { readonly third: number; readonly count: number }): string[] {
  return Array.from({ length: count }, (_, index) => offset(plan, third * 256 + index + 1));
}

function addressIn(index: number, third: number, fourth: number): string {
  return `100.${64 + (index >> 4)}.${((index & 15) << 4) + third}.${fourth}`;
}

function offset({ block }: AddressPlan, distance: number): string {
  const [first, second, third] = block.split('.').map((part) => Number.parseInt(part, 10));
  return `${first}.${second}.${(third ?? 0) + (distance >> 8)}.${distance & 255}`;
}

/** Skips .0 and .255, which many programs treat as network and broadcast. */
function isUsable(address: string): boolean {
  return !/\.(0|255)$/.test(address);
}
