// The source `consul`: the instances of a service, by blocking queries.
import type { ConsulSettings } from '#api/k8s/backend-source/consul.ts';
import { ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';
import type { SecretContents, SourceTrouble } from '../../watch/found.ts';
import type { AddressGuard } from '#lib/destination.ts';
import { endpointsOf, leftOutTrouble } from '../instance.ts';
import { entryOf, secretTrouble, tlsOf } from '../server-secrets.ts';
import type { EndpointSource } from '../source.ts';
import { followConsul, HIDDEN } from './queries.ts';
import type { ConsulFound, ConsulLimits, ConsulQuestion } from './queries.ts';

/** The source. `guard`: the servers to which the controller may connect. */
export function consulEndpoints(guard: AddressGuard, limits?: ConsulLimits): EndpointSource<ConsulSettings> {
  return {
    name: 'consul',
    async follow({ settings, secrets, signal, found }) {
      const token = tokenOf(settings, secrets);
      if (!token.ok) return secretTrouble(token.error);
      const tls = tlsOf(settings.tls ?? {}, secrets);
      if (!tls.ok) return secretTrouble(tls.error);
      const access = { token: token.value, tls: tls.value, guard, ...(limits === undefined ? {} : { limits }) };
      const report = ({ instances, leftOut, isFiltered }: ConsulFound): void =>
        found(endpointsOf(instances), leftOutTrouble(leftOut) ?? (isFiltered ? hiddenBy(settings) : null));
      const fault = await followConsul(questionOf(settings), access, report, signal);
      return fault;
    },
  };
}

function hiddenBy({ address }: ConsulSettings): SourceTrouble {
  return { reason: 'AccessDenied', message: `${new URL(address).origin} ${HIDDEN}` };
}

function questionOf({ address, service, tags = [], datacenter, namespace, partition, health }: ConsulSettings): ConsulQuestion {
  return {
    address,
    service,
    tags,
    withWarnings: health === 'Warning',
    ...(datacenter === undefined ? {} : { datacenter }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(partition === undefined ? {} : { partition }),
  };
}

/** Line ends come from files, and are no part of a token. */
function tokenOf({ tokenRef }: ConsulSettings, secrets: SecretContents): Result<string> {
  if (tokenRef === undefined) return ok('');
  const token = entryOf(secrets, tokenRef.name, tokenRef.key);
  return token.ok ? ok(token.value.trim()) : token;
}
