// ACME: the certificates that the listeners of a Gateway want, and the answers to challenges that proxies give for them.
import type * as ir from '#api/ir/ir.ts';
import { challengeKey } from '#api/ir/ir.ts';
import type { Gateway, GatewayParametersSpec, Listener, Secret } from '#api/k8s/k8s.ts';
import { parseDuration } from '#lib/duration.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { parseState, STATE_ENTRY, type AcmeSettings, type CertificateState, type WantedCertificate } from '../watch/certificates.ts';
import type { Referrer } from './reference-grant.ts';
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

/** The outcome for a listener: `remark` says why nothing is obtained for it, or that it is; '' if Weir has nothing to do. */
export interface ListenerAcme {
  readonly wanted: readonly WantedCertificate[];
  readonly remark: string;
}

const NOTHING: ListenerAcme = { wanted: [], remark: '' };

/** A listener, and the settings of its Gateway. */
export interface AcmeInput {
  readonly gateway: Gateway;
  readonly listener: Listener;
  /** The object with the listener. */
  readonly from: Referrer;
  readonly settings: Result<AcmeSettings> | null;
}

/** The certificates that a listener wants: those of its Secrets that do not exist, or that Weir has obtained before. */
export function wantedBy(view: View, { gateway, listener, from, settings }: AcmeInput): ListenerAcme {
  if (settings === null || listener.tls?.mode !== 'Terminate') return NOTHING;
  const own = listener.tls.certificateRefs.filter(
    ({ group, kind, namespace }) => group === '' && kind === 'Secret' && (namespace ?? from.namespace) === from.namespace,
  );
  const found = own.flatMap(({ name }) => {
    const state = whoseSecret(view, from.namespace, name);
    return state === 'foreign' ? [] : [{ secret: `${from.namespace}/${name}`, exists: state === 'managed' }];
  });
  if (found.length === 0) return NOTHING;
  const problem = settings.ok ? whyNot(listener, settings.value) : settings.error;
  if (!settings.ok || problem !== null) return { wanted: [], remark: `Weir cannot obtain it by ACME: ${problem}` };
  const key = `${gateway.metadata.namespace ?? ''}/${gateway.metadata.name}`;
  const wanted = found.map((each) => ({ ...each, gateway: key, hosts: [listener.hostname], settings: settings.value }));
  // Later the Secret itself says what goes on.
  const isNew = wanted.some(({ exists }) => !exists);
  return { wanted, remark: isNew ? `Weir obtains it by ACME from ${new URL(settings.value.server).host}` : '' };
}

/** A Secret that exists and is not readable belongs to somebody else. */
function whoseSecret(view: View, namespace: string, name: string): 'absent' | 'managed' | 'foreign' {
  const secret = view.object('Secret', namespace, name);
  if (secret !== undefined) return stateOf(secret) === null ? 'foreign' : 'managed';
  return view.whyUnreadable('Secret', namespace, name) === undefined ? 'absent' : 'foreign';
}

function whyNot({ hostname }: Listener, { challenge, webhook }: AcmeSettings): string | null {
  if (hostname === '') return 'the listener has no hostname';
  if (hostname.startsWith('*.') && challenge !== 'DNS01') return `a certificate for ${hostname} needs challenge DNS01`;
  return challenge === 'DNS01' && webhook === null ? 'challenge DNS01 needs spec.acme.webhook' : null;
}

/** Certificates of one Secret together: a Secret of several listeners has the names of all. */
export function merged(all: readonly WantedCertificate[]): readonly WantedCertificate[] {
  return [...Map.groupBy(all, ({ secret }) => secret).values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    return [{ ...first, hosts: [...new Set(same.flatMap(({ hosts }) => hosts))].sort() }];
  });
}

/** The state of the certificate in a Secret; null if the Secret belongs to somebody else. */
export function stateOf(secret: Secret): CertificateState | null {
  const text = entry(secret, STATE_ENTRY);
  return text === '' ? null : parseState(text);
}

/** Why a Secret of Weir has no certificate yet. */
export function progressOf({ problem, server, order }: CertificateState): string {
  if (problem !== '' && order === null) return `has no certificate yet: ${problem}`;
  return `has no certificate yet; Weir obtains it by ACME from ${URL.canParse(server) ? new URL(server).host : server}`;
}

/** The challenges of the order of a Secret (`<namespace>/<name>`) that proxies answer. */
export function challengesOf(secret: string, state: CertificateState): readonly ir.Challenge[] {
  return (state.order?.challenges ?? []).flatMap(({ host, answer }) =>
    answer.type === 'DNS01' ? [] : [{ kind: 'Challenge', key: challengeKey(secret, host), host, answer } as const],
  );
}
