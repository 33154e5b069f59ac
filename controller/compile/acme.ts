// ACME: the settings of a Gateway, the state of its certificates, and the answers to challenges that proxies give for them.
import type * as ir from '#api/ir/ir.ts';
import { challengeKey } from '#api/ir/ir.ts';
import type { Gateway, GatewayParametersSpec, Secret } from '#api/k8s/k8s.ts';
import { parseDuration } from '#lib/duration.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { parseState, STATE_ENTRY, type AcmeSettings, type CertificateState } from '../watch/certificates.ts';
import { entry, readSecret } from './secret-entry.ts';
import type { View } from './view.ts';

type AcmeSpec = NonNullable<GatewayParametersSpec['acme']>;

/** The settings of a Gateway, or why they cannot be used; null without any. Its Secrets are in the namespace of the Gateway. */
export function acmeSettings(view: View, gateway: Gateway, spec: AcmeSpec | undefined): Result<AcmeSettings> | null {
  if (spec === undefined) return null;
  const { namespace = '' } = gateway.metadata;
  const { externalAccountBinding: binding, webhook, renewBefore } = spec;
  const key = secretText(view, namespace, binding?.secretRef, 'spec.acme.externalAccountBinding.secretRef');
  if (!key.ok) return key;
  const token = secretText(view, namespace, webhook?.tokenSecretRef, 'spec.acme.webhook.tokenSecretRef');
  if (!token.ok) return token;
  const { server, caBundle, email, accountSecretName, challenge } = { ...DEFAULTS, ...spec };
  return ok({
    server,
    caBundle,
    email,
    account: `${namespace}/${accountSecretName}`,
    binding: binding === undefined ? null : { keyId: binding.keyId, key: key.value },
    challenge,
    webhook: webhook === undefined ? null : { url: webhook.url, token: token.value },
    renewBefore: renewBefore === undefined ? null : millisecondsOf(renewBefore),
  });
}

const DEFAULTS = { caBundle: '', email: '', accountSecretName: 'weir-acme-account', challenge: 'HTTP01' } as const;

function millisecondsOf(text: string): number {
  const duration = parseDuration(text);
  return duration.ok ? duration.value : 0;
}

/** An entry of a Secret in the namespace of the Gateway. */
interface SecretKey {
  readonly name: string;
  readonly key: string;
}

function secretText(view: View, namespace: string, ref: SecretKey | undefined, field: string): Result<string> {
  if (ref === undefined) return ok('');
  const secret = readSecret(view, namespace, ref.name);
  const id = `Secret/${namespace}/${ref.name}`;
  if (!secret.ok) return err(`${field}: ${id} ${secret.error}`);
  const text = entry(secret.value, ref.key);
  return text === '' ? err(`${field}: ${id} has no ${ref.key}`) : ok(text.trim());
}

/** The state of the certificate in a Secret; null if the Secret belongs to somebody else. */
export function stateOf(secret: Secret): CertificateState | null {
  const text = entry(secret, STATE_ENTRY);
  return text === '' ? null : parseState(text);
}

/** In messages about a certificate that is to come: it needs no action of the user. */
export const UNDER_WAY = 'Weir obtains it by ACME from';

/** Why a Secret of Weir has no certificate yet. */
export function progressOf({ problem, server, order }: CertificateState): string {
  if (problem !== '' && order === null) return `has no certificate yet: ${problem}`;
  return `has no certificate yet; ${UNDER_WAY} ${URL.canParse(server) ? new URL(server).host : server}`;
}

/** The challenges of the order of a Secret (`<namespace>/<name>`) that proxies answer. */
export function challengesOf(secret: string, state: CertificateState): readonly ir.Challenge[] {
  return (state.order?.challenges ?? []).flatMap(({ host, answer }) =>
    answer.type === 'DNS01' ? [] : [{ kind: 'Challenge', key: challengeKey(secret, host), host, answer } as const],
  );
}
