// The certificates that listeners want by ACME: those of Secrets that do not exist, or that Weir has obtained before.
import { isDeepStrictEqual } from 'node:util';
import type { Gateway, Listener, ListenerSet } from '#api/k8s/k8s.ts';
import { parentOf } from '#api/k8s/reference.ts';
import type { Result } from '#lib/result.ts';
import { certificateSecrets } from '../snapshot/indexes.ts';
import type { AcmeSettings, WantedCertificate } from '../watch/certificates.ts';
import { stateOf, UNDER_WAY } from './acme.ts';
import { byAge } from './age.ts';
import type { ListenerRefObstacle } from './conditions.ts';
import { gatewayFrameUnit } from './gateway-frame.ts';
import type { Referrer } from './reference-grant.ts';
import type { View } from './view.ts';

/** The outcome for a listener. */
export interface ListenerAcme {
  readonly wanted: readonly WantedCertificate[];
  /** Says why nothing is obtained for it, or that it is; '' if Weir has nothing to do. */
  readonly remark: string;
  /** A Secret that Weir obtains for another Gateway, with other settings. */
  readonly obstacle: ListenerRefObstacle | null;
}

const NOTHING: ListenerAcme = { wanted: [], remark: '', obstacle: null };

/** A listener, and the settings of its Gateway. */
export interface AcmeInput {
  readonly gateway: Gateway;
  readonly listener: Listener;
  /** The object with the listener. */
  readonly from: Referrer;
  readonly settings: Result<AcmeSettings> | null;
}

/** The certificates that a listener wants. */
export function wantedBy(view: View, input: AcmeInput): ListenerAcme {
  const { listener, from, settings } = input;
  if (settings === null) return NOTHING;
  const found = certificateSecrets(listener, from.namespace).flatMap((secret) => {
    const state = whoseSecret(view, secret);
    return state === 'foreign' ? [] : [{ secret, exists: state === 'managed' }];
  });
  if (found.length === 0) return NOTHING;
  const problem = settings.ok ? whyNot(listener, settings.value) : settings.error;
  if (!settings.ok || problem !== null) return { ...NOTHING, remark: `Weir cannot obtain it by ACME: ${problem}` };
  return shared(view, input, found, settings.value);
}

/** A Secret that does not belong to somebody else. */
type OwnSecret = Pick<WantedCertificate, 'secret' | 'exists'>;

/** The wanted certificates without those that other Gateways get. */
function shared(view: View, { gateway, listener }: AcmeInput, found: readonly OwnSecret[], settings: AcmeSettings): ListenerAcme {
  const key = keyOf(gateway);
  const rivals = found.map(({ secret }) => rivalOf(view, secret, key, settings));
  const wanted = found
    .filter((_, i) => rivals[i] === null)
    .map((each) => ({ ...each, gateway: key, hosts: [listener.hostname], settings }));
  const [obstacle = null] = found.flatMap(({ secret }, i) => takenBy(secret, rivals[i] ?? null) ?? []);
  // Later the Secret itself says what goes on.
  const isNew = wanted.some(({ exists }) => !exists);
  return { wanted, remark: isNew ? `${UNDER_WAY} ${new URL(settings.server).host}` : '', obstacle };
}

function keyOf({ metadata: { namespace = '', name } }: Gateway): string {
  return `${namespace}/${name}`;
}

function takenBy(secret: string, gateway: string | null): ListenerRefObstacle | null {
  if (gateway === null) return null;
  const remedy = 'name another Secret, or use the same settings';
  const message = `Secret/${secret} is obtained by ACME for Gateway/${gateway}, whose settings of ACME differ; ${remedy}`;
  return { reason: 'InvalidCertificateRef', message };
}

/** A Secret that exists and is not readable belongs to somebody else. */
function whoseSecret(view: View, secret: string): 'absent' | 'managed' | 'foreign' {
  const [namespace = '', name = ''] = secret.split('/');
  const object = view.object('Secret', namespace, name);
  if (object !== undefined) return stateOf(object) === null ? 'foreign' : 'managed';
  return view.whyUnreadable('Secret', namespace, name) === undefined ? 'absent' : 'foreign';
}

function whyNot({ hostname }: Listener, { challenge, webhook }: AcmeSettings): string | null {
  if (hostname === '') return 'the listener has no hostname';
  if (hostname.startsWith('*.') && challenge !== 'DNS01') return `a certificate for ${hostname} needs challenge DNS01`;
  return challenge === 'DNS01' && webhook === null ? 'challenge DNS01 needs spec.acme.webhook' : null;
}

/** The oldest Gateway that wants the Secret, if its settings are not these; else null. Gateways are `<namespace>/<name>`. */
function rivalOf(view: View, secret: string, own: string, settings: AcmeSettings): string | null {
  const holders = view.list('holdersByCertificate', secret);
  if (holders.length < 2) return null;
  const [first] = byAge(holders.flatMap((holder) => contender(view, holder, secret) ?? []));
  if (first === undefined || keyOf(first) === own) return null;
  return isDeepStrictEqual(settingsOf(view, first), settings) ? null : keyOf(first);
}

/** The Gateway of a Gateway or ListenerSet that could get the Secret; null if it could not. */
function contender(view: View, holder: Gateway | ListenerSet, secret: string): Gateway | null {
  const { namespace = '' } = holder.metadata;
  const gateway = gatewayOf(view, holder);
  const settings = gateway === null ? null : settingsOf(view, gateway);
  if (settings === null) return null;
  const wants = (listener: Listener) => certificateSecrets(listener, namespace).includes(secret) && whyNot(listener, settings) === null;
  return holder.spec.listeners.some(wants) ? gateway : null;
}

function gatewayOf(view: View, holder: Gateway | ListenerSet): Gateway | null {
  if (!('parentRef' in holder.spec)) return holder as Gateway;
  const parent = parentOf(holder.spec.parentRef, holder.metadata.namespace ?? '');
  return parent?.kind === 'Gateway' ? (view.object('Gateway', parent.namespace, parent.name) ?? null) : null;
}

function settingsOf(view: View, gateway: Gateway): AcmeSettings | null {
  const settings = view.read(gatewayFrameUnit, keyOf(gateway))?.acme ?? null;
  return settings?.ok === true ? settings.value : null;
}

/** Certificates of one Secret together: a Secret of several listeners has the names of all. */
export function merged(all: readonly WantedCertificate[]): readonly WantedCertificate[] {
  return [...Map.groupBy(all, ({ secret }) => secret).values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    return [{ ...first, hosts: [...new Set(same.flatMap(({ hosts }) => hosts))].sort() }];
  });
}
