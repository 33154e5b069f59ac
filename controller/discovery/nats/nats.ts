// The source `nats`: the instances of a service of the micro protocol, or those in a KV bucket.
import type { NatsSettings } from '#api/k8s/backend-source/nats.ts';
import { err, ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';
import type { SecretContents, SourceTrouble } from '../../watch/found.ts';
import type { AddressGuard } from '#lib/destination.ts';
import { endpointsOf, instancesFrom, leftOutTrouble } from '../instance.ts';
import { secretTrouble, tlsOf } from '../server-secrets.ts';
import type { EndpointSource, Lookup } from '../source.ts';
import { followBucket } from './bucket.ts';
import { NatsFault } from './connection.ts';
import type { NatsConnection, NatsLimits } from './connection.ts';
import { ANONYMOUS, readCredentials } from './credentials.ts';
import type { NatsLogin } from './credentials.ts';
import { ServicePolls } from './services.ts';
import type { PollReport, PollTimes } from './services.ts';
import { withServer } from './session.ts';

/** Limits and times that tests replace. */
export interface NatsOptions {
  readonly limits?: NatsLimits;
  readonly times?: PollTimes;
}

/** The source. `guard`: the servers to which the controller may connect. */
export function natsEndpoints(guard: AddressGuard, { limits, times }: NatsOptions = {}): EndpointSource<NatsSettings> {
  return {
    name: 'nats',
    async follow(lookup) {
      const { settings, secrets, signal } = lookup;
      const login = loginOf(settings, secrets);
      if (!login.ok) return secretTrouble(login.error);
      const tls = tlsOf(settings.tls ?? {}, secrets);
      if (!tls.ok) return secretTrouble(tls.error);
      const access = {
        servers: settings.servers,
        tls: settings.tls === undefined && settings.tlsFirst !== true ? null : tls.value,
        handshakeFirst: settings.tlsFirst === true,
        login: login.value,
        guard,
        ...(limits === undefined ? {} : { limits }),
      };
      try {
        await withServer(access, signal, (connection) => follow(connection, lookup, times));
        return null;
      } catch (error) {
        return troubleOf(error);
      }
    },
  };
}

/** An aborted question ends with a fault too, which its asker ignores. */
function troubleOf(error: unknown): SourceTrouble {
  if (!(error instanceof NatsFault)) throw error;
  return { reason: error.reason, message: error.message };
}

function loginOf({ credentialsRef }: NatsSettings, secrets: SecretContents): Result<NatsLogin> {
  if (credentialsRef === undefined) return ok(ANONYMOUS);
  const { name } = credentialsRef;
  const login = readCredentials(secrets[name] ?? {});
  return login.ok ? login : err(`Secret ${name} ${login.error}`);
}

async function follow(
  connection: NatsConnection,
  { settings, signal, last, found }: Lookup<NatsSettings>,
  times?: PollTimes,
): Promise<void> {
  const report: PollReport = (instances, leftOut) => found(endpointsOf(instances), leftOutTrouble(leftOut));
  const { bucket, service } = settings;
  if (bucket !== undefined) {
    const { name, keys, domain } = bucket;
    return followBucket(connection, { bucket: name, keys, ...(domain === undefined ? {} : { domain }) }, report, signal);
  }
  // The rules of a Backend require one of the two.
  const { name = '', endpoint } = service ?? {};
  const question = { name, ...(endpoint === undefined ? {} : { endpoint }) };
  return new ServicePolls(question, instancesFrom(last ?? []), report, times).run(connection, signal);
}
