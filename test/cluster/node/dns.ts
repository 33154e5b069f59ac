// A DNS server for Services (RFC 1035): addresses of `service.namespace.svc.cluster.local`, of the endpoints of a headless Service, and of
// endpoints with a host name. Other names do not exist; no query leaves the cluster.
import dgram from 'node:dgram';
import { once } from 'node:events';
import type { EndpointSlice, Service } from './objects.ts';
import type { Reflector } from './reflector.ts';

const PORT = 53;
const TYPE_A = 1;
const TYPE_ANY = 255;
const NO_SUCH_NAME = 3;
const HEADER_BYTES = 12;
/** TTL of answers, seconds. */
const TTL = 1;
const SUFFIX = '.svc.cluster.local';

/** A question: the name in lower case, and its bytes for the answer. */
interface Question {
  readonly name: string;
  readonly type: number;
  readonly bytes: Buffer;
}

export class Dns {
  readonly #services: Reflector<Service>;
  readonly #slices: Reflector<EndpointSlice>;
  readonly #socket = dgram.createSocket('udp4');

  constructor(services: Reflector<Service>, slices: Reflector<EndpointSlice>) {
    this.#services = services;
    this.#slices = slices;
  }

  async listen(address: string): Promise<void> {
    this.#socket.on('message', (query, peer) => {
      const question = parseQuestion(query);
      if (question !== null) this.#socket.send(reply(query, question, this.addressesOf(question.name)), peer.port, peer.address);
    });
    this.#socket.bind(PORT, address);
    await once(this.#socket, 'listening');
  }

  /** The addresses of a name; null when there is no such name. */
  addressesOf(name: string): readonly string[] | null {
    if (!name.endsWith(SUFFIX)) return null;
    const [namespace = '', serviceName = '', hostname, ...more] = name.slice(0, -SUFFIX.length).split('.').toReversed();
    const service = more.length > 0 ? undefined : this.#services.get(namespace, serviceName);
    if (service === undefined) return null;
    const { clusterIP = 'None' } = service.spec;
    if (clusterIP !== 'None') return hostname === undefined ? [clusterIP] : null;
    return this.#headless(namespace, serviceName, hostname);
  }

  #headless(namespace: string, service: string, hostname: string | undefined): readonly string[] | null {
    const all = this.#endpointsOf(namespace, service);
    if (hostname === undefined) return all.flatMap(({ addresses }) => addresses);
    const named = all.filter((endpoint) => endpoint.hostname === hostname);
    return named.length === 0 ? null : named.flatMap(({ addresses }) => addresses);
  }

  #endpointsOf(namespace: string, service: string) {
    const slices = [...this.#slices.all()].filter(
      ({ metadata }) => metadata.namespace === namespace && metadata.labels?.['kubernetes.io/service-name'] === service,
    );
    return slices.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
  }
}

function parseQuestion(query: Buffer): Question | null {
  if (query.length < HEADER_BYTES || query.readUInt16BE(4) !== 1) return null;
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (;;) {
    const length = query[at];
    if (length === undefined || length > 63) return null;
    at += 1 + length;
    if (length === 0) break;
    labels.push(query.toString('latin1', at - length, at).toLowerCase());
  }
  if (at + 4 > query.length) return null;
  return { name: labels.join('.'), type: query.readUInt16BE(at), bytes: query.subarray(HEADER_BYTES, at + 4) };
}

function reply(query: Buffer, { type, bytes }: Question, addresses: readonly string[] | null): Buffer {
  const answers = type === TYPE_A || type === TYPE_ANY ? (addresses ?? []).map(record) : [];
  const header = Buffer.alloc(HEADER_BYTES);
  query.copy(header, 0, 0, 2);
  // An authoritative answer; recursion is offered, for resolvers that insist.
  header.writeUInt16BE(0x8580 | (addresses === null ? NO_SUCH_NAME : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers.length, 6);
  return Buffer.concat([header, bytes, ...answers]);
}

/** The name is a pointer to the question's. */
function record(address: string): Buffer {
  const head = Buffer.from([0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, TTL, 0, 4]);
  return Buffer.concat([head, Buffer.from(address.split('.').map(Number))]);
}
