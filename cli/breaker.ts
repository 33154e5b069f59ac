// `weir breaker open|close|auto BACKEND`: opens or closes the circuit breaker of a backend at all proxies, until it is withdrawn.
import { overrideCommand } from './operations/override-command.ts';

export const breaker = overrideCommand({
  name: 'breaker',
  states: ['open', 'close', 'auto'],
  object: 'BACKEND',
  field: 'backend',
  summary:
    'Opens the circuit breaker of a backend, which stops all requests to it, or closes it whatever happens, at all proxies; auto ends that. Ends with 1 if a proxy did not follow.',
});
