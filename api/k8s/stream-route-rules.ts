// Rules of the TCPRoute, TLSRoute and UDPRoute CRDs that a schema cannot express (CEL there). An API server enforces them; a file that
// violates one is refused.
import { isIP } from 'node:net';
import type { FieldError } from './field-error.ts';
import { checkParentRefs, checkPorts } from './reference-rules.ts';
import type { TcpRoute } from './tcp-route.ts';
import type { TlsRoute } from './tls-route.ts';
import type { UdpRoute } from './udp-route.ts';

/** The rules that a route violates. */
export function checkStreamRoute({ spec }: TcpRoute | TlsRoute | UdpRoute): FieldError[] {
  const hostnames = 'hostnames' in spec ? spec.hostnames : [];
  return [
    ...hostnames.flatMap((hostname, i) =>
      isIP(hostname) === 0 ? [] : [{ field: `spec.hostnames[${i}]`, reason: 'must not be an IP address' }],
    ),
    ...spec.rules.flatMap((rule, i) => checkPorts(rule.backendRefs, `spec.rules[${i}].backendRefs`)),
    ...checkParentRefs(spec.parentRefs),
  ];
}
