// Endpoints by the records of a name in DNS.
import { Type, type Static } from '#lib/typebox.ts';
import { closed, Duration, Port } from '../schema.ts';
import type { BackendSourceOf } from './backend-source.ts';

const LABEL = '[A-Za-z0-9_]([-A-Za-z0-9_]*[A-Za-z0-9_])?';
const NAME_PATTERN = `^${LABEL}(\\.${LABEL})*\\.?$`;
const NAME = 'a name in DNS: letters, digits, "-", "_" and "."';
const SERVER = 'an IP address, with a port if it is not 53, like 10.0.0.10, 10.0.0.10:5353 or [fd00::1]:53';
const NOT_A_NAME = 'must be a name, not an address; fixed addresses go into endpoints';
const NEEDS_PORT = 'is required, since only SRV records have ports';
const HAS_PORTS = 'must be absent, since SRV records have their own ports';

function duration(text: string) {
  return Type.Optional(Type.String({ ...Duration, description: text }));
}

export const DnsSettings = closed(
  {
    name: Type.String({
      minLength: 1,
      maxLength: 253,
      pattern: NAME_PATTERN,
      description: 'The full name to look up; search domains do not apply.',
      '~must': NAME,
    }),
    type: Type.Enum(['A', 'AAAA', 'SRV', 'Any'], {
      default: 'Any',
      description: 'The records to ask for. Any is A and AAAA. SRV gives priorities, weights and ports.',
    }),
    port: Type.Optional(Type.Integer({ ...Port, description: 'The port of every address. Required, except for SRV.' })),
    servers: Type.Optional(
      Type.Array(
        Type.String({
          minLength: 2,
          maxLength: 64,
          pattern: '^(([0-9]{1,3}\\.){3}[0-9]{1,3}|[0-9A-Fa-f:]+:[0-9A-Fa-f:.]*|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?$',
          description: 'An IP address, with a port if it is not 53.',
          '~must': SERVER,
        }),
        {
          minItems: 1,
          maxItems: 8,
          description: 'The resolvers, in the order of their use. By default those of the system of the controller.',
        },
      ),
    ),
    minimumRefresh: duration('The shortest time between two lookups, also if a TTL is shorter; 5s by default.'),
    maximumRefresh: duration('The longest time between two lookups, also if a TTL is longer; 5m by default, 30s for SRV.'),
    keep: duration('How long the last addresses stay in use after the name has none any more; 5m by default.'),
  },
  {
    description: 'Endpoints are the addresses of a name in DNS.',
    'x-kubernetes-validations': [
      { rule: "!self.name.matches('^[0-9.]+$')", message: `name ${NOT_A_NAME}` },
      { rule: "self.type == 'SRV' || has(self.port)", message: `port ${NEEDS_PORT}` },
      { rule: "self.type != 'SRV' || !has(self.port)", message: `port ${HAS_PORTS}` },
    ],
  },
);
export type DnsSettings = Static<typeof DnsSettings>;

/** The source `dns`. */
export const dnsSource: BackendSourceOf<typeof DnsSettings> & { readonly source: 'dns' } = {
  source: 'dns',
  schema: DnsSettings,
  secrets: () => [],
  describe: ({ name, type }) => `${name} (${type})`,
  check({ name, type, port }) {
    if (/^[0-9.]+$/.test(name)) return [{ field: 'name', reason: NOT_A_NAME }];
    if (type !== 'SRV' && port === undefined) return [{ field: 'port', reason: NEEDS_PORT }];
    return type === 'SRV' && port !== undefined ? [{ field: 'port', reason: HAS_PORTS }] : [];
  },
};

/** Whether a text is a name to look up, and not an address. */
export function isLookupName(text: string): boolean {
  return text.length <= 253 && new RegExp(NAME_PATTERN).test(text) && !/^[0-9.]+$/.test(text);
}
