// Events about certificates that a certificate authority issues (ACME), for the Gateways that want them.
import type { AttemptReport } from '../acme/issuer.ts';
import type { EventReport } from './event-writer.ts';

/** The Event of an attempt. */
export function acmeEvent({ wanted, result, problem }: AttemptReport): EventReport {
  const [namespace = '', name = ''] = wanted.gateway.split('/');
  const { secret, hosts } = wanted;
  const isIssued = result === 'issued';
  const note = isIssued
    ? `Secret/${secret} has a new certificate for ${hosts.join(', ')}`
    : `Secret/${secret} got no certificate: ${problem}`;
  return {
    ref: { kind: 'Gateway', namespace, name },
    identity: `acme ${secret} ${result} ${problem}`,
    type: isIssued ? 'Normal' : 'Warning',
    reason: isIssued ? 'CertificateIssued' : 'CertificateNotIssued',
    action: 'Issue',
    note,
  };
}
