// The Event about a trouble of a backend that proxies see, on the Service or Backend.
import { originOf } from '#api/ir/ir.ts';
import type { EventReport } from './event-writer.ts';

/** News about the backend `<kind>/<namespace>/<name>/<port>`. */
interface News extends Pick<EventReport, 'identity' | 'type' | 'reason'> {
  readonly backend: string;
  readonly message: string;
}

export function troubleEvent({ backend, identity, type, reason, message }: News): EventReport {
  const { ref, part } = originOf('Endpoints', backend);
  return { ref, identity, type, reason, action: 'Balance', note: part === '' ? message : `${part}: ${message}` };
}
