// `weir endpoint out|in|auto ADDRESS:PORT`: takes an endpoint out of use or into use at all proxies, until it is withdrawn.
import { overrideCommand } from './operations/override-command.ts';

export const endpoint = overrideCommand({
  name: 'endpoint',
  states: ['out', 'in', 'auto'],
  object: 'ADDRESS:PORT',
  field: 'endpoint',
  summary:
    'Takes an endpoint out of use, or into use whatever its health, at all proxies and for all backends; auto ends that. Ends with 1 if a proxy did not follow.',
});
