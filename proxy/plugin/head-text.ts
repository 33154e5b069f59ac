// The heads of an exchange as texts, for a plugin on the event loop.
import type { Exchange } from '../exchange/exchange.ts';
import type { Headers } from '../exchange/headers.ts';
import type { HeadText } from './quickjs/quick-calls.ts';

export function requestText(exchange: Exchange): HeadText {
  const { method, scheme, host, clientAddress, principal, path, query, requestHeaders } = exchange;
  // The name of a caller may have any character.
  const caller = principal === null ? 'null' : JSON.stringify(principal.id);
  const text = `${method}\n${scheme}\n${host}\n${clientAddress}\n${caller}\n${path}\n${query}`;
  return { text, headers: headersText(requestHeaders) };
}

export function headersText(headers: Headers): string {
  let text = '\n';
  for (let i = 0; i < headers.length; i += 2) text += `${headers[i] as string}:${headers[i + 1] as string}\n`;
  return text;
}
