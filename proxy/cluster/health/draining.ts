// A terminating pod finishes its work and gets nothing new.
import type { EndpointHealth } from './endpoint-health.ts';

export const draining: EndpointHealth = {
  reason: 'draining',
  usable: (members) => members.filter((member) => !member.draining),
};
