// Services as nftables rules: one chain for each address and port of a Service, which sends new connections to one of its endpoints.
import type { AddressPlan } from './address-plan.ts';
import type { Endpoint, EndpointSlice, Service, ServicePort } from './objects.ts';
import { keyOf } from './objects.ts';

/** An address and port that connections are sent to. */
export interface Destination {
  readonly address: string;
  readonly port: number;
}

/** One port of a Service: its addresses and its endpoints. */
export interface ServiceEntry {
  readonly protocol: 'tcp' | 'udp';
  readonly frontends: readonly Destination[];
  readonly destinations: readonly Destination[];
  /** A peer is sent to the same endpoint every time. */
  readonly sticky: boolean;
}

/** Name of the table, in the cluster's own network namespace. */
const TABLE = 'weir_services';
const SERVICE_NAME = 'kubernetes.io/service-name';

/** Every Service port with its endpoints. `nodes`: the addresses for node ports. */
export function serviceEntries(services: Iterable<Service>, slices: Iterable<EndpointSlice>, nodes: readonly string[]): ServiceEntry[] {
  const byService = Map.groupBy(slices, ({ metadata }) => `${metadata.namespace}/${metadata.labels?.[SERVICE_NAME]}`);
  return [...services].flatMap((service) => {
    const { clusterIP = '', ports = [], sessionAffinity } = service.spec;
    if (clusterIP === '' || clusterIP === 'None') return [];
    const balancers = (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip === undefined ? [] : [ip]));
    return ports.flatMap((port) => {
      const protocol = port.protocol?.toLowerCase() ?? 'tcp';
      if (protocol !== 'tcp' && protocol !== 'udp') return [];
      const addresses = [clusterIP, ...balancers].map((address) => ({ address, port: port.port }));
      const nodePort = port.nodePort ?? 0;
      const onNodes = nodePort === 0 ? [] : nodes.map((address) => ({ address, port: nodePort }));
      const destinations = destinationsOf(port, byService.get(keyOf(service)) ?? []);
      return [{ protocol, frontends: [...addresses, ...onNodes], destinations, sticky: sessionAffinity === 'ClientIP' } as const];
    });
  });
}

/** Ready endpoints; when there are none, those that end but still serve, as kube-proxy does. */
function destinationsOf(port: ServicePort, slices: readonly EndpointSlice[]): Destination[] {
  const all = slices.filter(({ addressType }) => addressType === 'IPv4').flatMap((slice) => inSlice(port, slice));
  const ready = all.filter(({ endpoint }) => endpoint.conditions?.ready !== false);
  const ending = all.filter(({ endpoint }) => endpoint.conditions?.serving === true && endpoint.conditions.terminating === true);
  const chosen = (ready.length > 0 ? ready : ending).map(({ destination }) => destination);
  return chosen.toSorted((a, b) => (printed(a) < printed(b) ? -1 : 1));
}

function inSlice(port: ServicePort, slice: EndpointSlice): { readonly endpoint: Endpoint; readonly destination: Destination }[] {
  const number = slice.ports?.find(({ name }) => (name ?? '') === (port.name ?? ''))?.port;
  if (number === undefined) return [];
  return (slice.endpoints ?? []).flatMap((endpoint) => {
    const [address] = endpoint.addresses;
    return address === undefined ? [] : [{ endpoint, destination: { address, port: number } }];
  });
}

/** Input for `nft -f`: the whole table, replaced atomically. Existing connections keep their endpoint. */
export function rulesetOf(entries: readonly ServiceEntry[], plan: AddressPlan): string {
  const served = entries.filter(({ destinations }) => destinations.length > 0);
  const elements = served.flatMap(({ protocol, frontends }, index) =>
    frontends.map(({ address, port }) => `${address} . ${protocol} . ${port} : goto service_${index}`),
  );
  const hairpins = [...new Set(served.flatMap(({ destinations }) => destinations.map(({ address }) => `${address} . ${address}`)))];
  const lookup = 'ip daddr . meta l4proto . th dport vmap @services';
  const unserved = `ip daddr { ${plan.services}, ${plan.balancers} }`;
  return [
    `table ip ${TABLE} {}`,
    `delete table ip ${TABLE}`,
    `table ip ${TABLE} {`,
    ...served.flatMap(({ protocol, destinations, sticky }, index) => [
      `chain service_${index} {`,
      balance(protocol, destinations, sticky),
      '}',
    ]),
    `map services { type ipv4_addr . inet_proto . inet_service : verdict; ${elementsOf(elements)} }`,
    // A Pod that reaches itself through a Service would answer itself past the translation.
    `set hairpins { type ipv4_addr . ipv4_addr; ${elementsOf(hairpins)} }`,
    `chain prerouting { type nat hook prerouting priority dstnat; ${lookup}; }`,
    `chain output { type nat hook output priority -100; ${lookup}; }`,
    `chain postrouting { type nat hook postrouting priority srcnat; ct status dnat ip saddr . ip daddr @hairpins snat to ${plan.gateway}; }`,
    ...['forward', 'output'].flatMap((hook) => [
      `chain refuse_${hook} { type filter hook ${hook} priority 0;`,
      `${unserved} meta l4proto tcp reject with tcp reset`,
      `${unserved} reject`,
      '}',
    ]),
    '}',
    '',
  ].join('\n');
}

function balance(protocol: string, destinations: readonly Destination[], sticky: boolean): string {
  const choices = destinations.map((destination, index) => `${index} : ${printed(destination)}`).join(', ');
  const number = sticky ? `jhash ip saddr mod ${destinations.length}` : `numgen inc mod ${destinations.length}`;
  return `meta l4proto ${protocol} dnat ip to ${number} map { ${choices} }`;
}

function elementsOf(elements: readonly string[]): string {
  return elements.length === 0 ? '' : `elements = { ${elements.join(', ')} };`;
}

function printed({ address, port }: Destination): string {
  return `${address} . ${port}`;
}
